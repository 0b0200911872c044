import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { allow } from '../private/allow';
import { IModelEndpoint } from '../serving/model-endpoint';

const SCALED = { StringEquals: { 'application-autoscaling:service-namespace': 'sagemaker' } };

/** Lets a function see how production is scaled. */
export function grantReadScaling(reader: lambda.IFunction): void {
  allow(reader, {
    actions: ['application-autoscaling:DescribeScalableTargets', 'application-autoscaling:DescribeScalingPolicies', 'application-autoscaling:DescribeScheduledActions'],
    resources: ['*'],
    because: 'What Application Auto Scaling describes cannot be limited to a resource.',
  });
}

/** Lets a function take the endpoint's scaling off and put it on again, and note meanwhile what it was. */
export function grantScaling(deployer: lambda.IFunction, endpoint: IModelEndpoint): void {
  const { bucket, encryptionKey } = endpoint.observations;
  const stack = Stack.of(endpoint);
  grantReadScaling(deployer);
  allow(deployer, {
    actions: ['sagemaker:DescribeEndpointConfig'],
    resources: [stack.formatArn({ service: 'sagemaker', resource: 'endpoint-config', resourceName: '*', arnFormat: ArnFormat.SLASH_RESOURCE_NAME })],
    because: 'The config that the endpoint is on may have any name.',
  });
  allow(deployer, {
    actions: [
      'application-autoscaling:DeleteScalingPolicy', 'application-autoscaling:DeregisterScalableTarget', 'application-autoscaling:PutScalingPolicy',
      'application-autoscaling:PutScheduledAction', 'application-autoscaling:RegisterScalableTarget',
    ],
    resources: [stack.formatArn({ service: 'application-autoscaling', resource: 'scalable-target', resourceName: '*', arnFormat: ArnFormat.SLASH_RESOURCE_NAME })],
    conditions: SCALED,
    because: 'Application Auto Scaling draws the name of a target when it is registered.',
  });
  // Application Auto Scaling asks whether the caller might scale the endpoint himself
  allow(deployer, { actions: ['sagemaker:UpdateEndpointWeightsAndCapacities'], resources: [endpoint.endpointArn] });
  allow(deployer, {
    actions: ['cloudwatch:DeleteAlarms', 'cloudwatch:DescribeAlarms', 'cloudwatch:PutMetricAlarm'],
    resources: [stack.formatArn({
      service: 'cloudwatch', resource: 'alarm', resourceName: `TargetTracking-endpoint/${endpoint.endpointName}/*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })],
    because: 'Target tracking names its alarms after the endpoint.',
  });
  allow(deployer, {
    actions: ['iam:CreateServiceLinkedRole'],
    resources: [stack.formatArn({
      service: 'iam',
      region: '',
      resource: 'role',
      resourceName: 'aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint',
    })],
    conditions: { StringLike: { 'iam:AWSServiceName': 'sagemaker.application-autoscaling.amazonaws.com' } },
  });
  allow(deployer, {
    actions: ['s3:GetObject', 's3:PutObject'], resources: [bucket.arnForObjects('scaling/*')], because: 'There is one note for each endpoint config.',
  });
  if (encryptionKey !== undefined) allow(deployer, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [encryptionKey.keyArn] });
}
