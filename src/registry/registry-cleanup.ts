import { CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { CleanRegistryFunction } from './clean-registry-function';
import { modelPackageArns, modelPackageGroupArns } from './model-package-arns';
import { allow } from '../private/allow';
import { neededBy, newHandler, propertiesFor } from '../private/handler';
import { HandlerArea } from '../private/model-resources';

export interface RegistryCleanupProps {
  readonly group: sagemaker.CfnModelPackageGroup;
  readonly encryptionKey?: kms.IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** Empties a model package group before it is deleted: a group with packages cannot be. One that is retained stays as it is. */
export class RegistryCleanup extends Construct {
  constructor(scope: Construct, id: string, { group, encryptionKey, removalPolicy }: RegistryCleanupProps) {
    super(scope, id);
    const name = group.modelPackageGroupName;
    const stack = Stack.of(this);
    const handler = new Construct(this, 'Handler');
    const cleaner = newHandler(handler, CleanRegistryFunction, {
      area: HandlerArea.EVIDENCE, description: 'Empties a model package group', encryptionKey, timeout: Duration.minutes(15),
    });
    const because = 'SageMaker numbers the packages of the group.';
    allow(cleaner, { actions: ['sagemaker:ListModelPackages'], resources: modelPackageGroupArns(stack, name) });
    allow(cleaner, { actions: ['sagemaker:ListModelPackages'], resources: modelPackageArns(stack, name), because });
    // to change the policy to RETAIN takes the right away, and the resource stays as it is
    if (removalPolicy === RemovalPolicy.DESTROY) {
      allow(cleaner, { actions: ['sagemaker:DeleteModelPackage'], resources: modelPackageArns(stack, name), because });
    }
    const resource = new CustomResource(this, 'Resource', {
      serviceToken: cleaner.functionArn,
      resourceType: 'Custom::MlopsRegistryCleanup',
      serviceTimeout: Duration.minutes(16),
      removalPolicy,
      properties: propertiesFor(cleaner, { ModelPackageGroupName: name }),
    });
    resource.node.addDependency(group);
    neededBy(cleaner, resource);
  }
}
