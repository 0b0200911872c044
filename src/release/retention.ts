import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import * as tasks from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Construct } from 'constructs';
import { RetainGoodFunction } from './retain-good-function';
import { allow } from '../private/allow';
import { newHandler } from '../private/handler';
import { HandlerArea, ModelResources } from '../private/model-resources';
import { Problems } from '../private/problems';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { releaseAlarmArn, CHANGE_TIMEOUT, hostingArn, ownNames, stagingEndpointArn } from '../serving/hosting-names';
import { IModelEndpoint } from '../serving/model-endpoint';
import { invoke, retry } from '../staging/workflow';

export interface RetentionProps {
  readonly registry: IModelRegistry;
  readonly endpoint: IModelEndpoint;
  readonly keep: number;
  readonly encryptionKey?: kms.IKey;
}

export interface RetentionStepsOptions {
  /** What the removal has to show. */
  readonly fence: Record<string, unknown>;
  /** Path of what the release answered. */
  readonly released: string;
  readonly next: sfn.IChainable;
}

const path = sfn.JsonPath;
const IGNORED = { errors: ['States.ALL'], resultPath: path.DISCARD };
export const KEPT_BY_DEFAULT = 3;
const MOST_KEPT = 10;

/** Notes what is wrong with the number of releases to keep. */
export function checkKeep(problems: Problems, keep: number | undefined): void {
  problems.check(keep === undefined || (Number.isInteger(keep) && keep >= 1 && keep <= MOST_KEPT), `keep must be a whole number of 1 to ${MOST_KEPT}, got ${keep}`);
}

/** Keeps the newest good releases, and removes what older ones were made of. */
export class Retention extends Construct {
  /** What the steps call. */
  public readonly handler: lambda.IFunction;

  constructor(scope: Construct, id: string, private readonly props: RetentionProps) {
    super(scope, id);
    const { registry, endpoint } = props;
    this.handler = newHandler(this, RetainGoodFunction, {
      area: HandlerArea.RELEASE,
      description: 'Keeps the last good releases of a model, and removes older ones',
      encryptionKey: props.encryptionKey,
      timeout: CHANGE_TIMEOUT,
    });
    grantSlot(this.handler, registry, ['dynamodb:DeleteItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query']);
    const because = 'Each release makes a model and an endpoint config of its own, named after the endpoint.';
    const own = (resource: string): string[] => [hostingArn(endpoint, resource, ownNames(endpoint))];
    allow(this.handler, { actions: ['sagemaker:DescribeEndpoint'], resources: [endpoint.endpointArn] });
    allow(this.handler, {
      actions: ['sagemaker:DescribeEndpointConfig'],
      resources: [hostingArn(endpoint, 'endpoint-config', '*')],
      because: 'The config that the endpoint is on may have any name.',
    });
    allow(this.handler, { actions: ['sagemaker:DeleteEndpointConfig'], resources: own('endpoint-config'), because });
    allow(this.handler, { actions: ['sagemaker:DeleteModel', 'sagemaker:DescribeModel'], resources: own('model'), because });
    this.allowSweeping(endpoint);
    allow(this.handler, {
      actions: ['s3:DeleteObject'], resources: [registry.artifacts.arnForObjects('*')], because: 'Each training run writes artifacts of its own.',
    });
  }

  /** What releases could not remove when they ended is found by its name. */
  private allowSweeping(endpoint: IModelEndpoint): void {
    allow(this.handler, {
      actions: ['sagemaker:ListEndpointConfigs', 'sagemaker:ListEndpoints', 'sagemaker:ListModels'],
      resources: ['*'],
      because: 'Lists cannot be limited to a resource.',
    });
    allow(this.handler, {
      actions: ['sagemaker:DeleteEndpoint', 'sagemaker:DescribeEndpoint'],
      resources: [stagingEndpointArn(endpoint)],
      because: 'Each release has a staging endpoint of its own, named after the endpoint.',
    });
    allow(this.handler, {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [Stack.of(this).formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'cloudwatch:DescribeAlarms answers only those who may describe all alarms.',
    });
    allow(this.handler, {
      actions: ['cloudwatch:DeleteAlarms'], resources: [releaseAlarmArn(endpoint)], because: 'Each release has alarms of its own, named after the endpoint.',
    });
  }

  /** The steps after a release that went well. What is not removed costs little: no failure here is the release's. */
  public steps(within: Construct, options: RetentionStepsOptions): sfn.State {
    const { registry, endpoint, keep } = this.props;
    const { fence, released, next } = options;
    const forget = invoke(within, 'ForgetOld', this.handler, { action: 'forget', fence, orders: path.listAt('$.retained.orders') }).addCatch(next, IGNORED);
    forget.next(next);
    const remove = new sfn.Map(within, 'RemoveImages', {
      itemsPath: '$.retained.images', itemSelector: { image: path.objectAt('$$.Map.Item.Value') }, maxConcurrency: 1, resultPath: path.DISCARD,
    });
    const image = new tasks.CallAwsService(within, 'RemoveImage', {
      service: 'ecr',
      action: 'batchDeleteImage',
      parameters: { RepositoryName: registry.repository.repositoryName, ImageIds: path.array(path.stringAt('$.image')) },
      iamResources: [registry.repository.repositoryArn],
      resultPath: path.DISCARD,
    });
    retry(image);
    remove.itemProcessor(image);
    remove.addCatch(next, IGNORED);
    remove.next(forget);
    const retain = invoke(within, 'Retain', this.handler, {
      action: 'retain',
      fence,
      endpointName: endpoint.endpointName,
      executionRoleArn: endpoint.executionRole.roleArn,
      released: path.objectAt(released),
      keep,
      bucketName: registry.artifacts.bucketName,
      repositoryUri: registry.repository.repositoryUri,
      time: path.stringAt('$$.State.EnteredTime'),
    }, '$.retained').addCatch(next, IGNORED);
    retain.next(new sfn.Choice(within, 'IsAnyOld').when(sfn.Condition.isPresent('$.retained.orders[0]'), remove).otherwise(next));
    return retain;
  }

  /**
   * Keeps everybody else from deleting model data and images, by the policies of the bucket and the repository. They refer to
   * the roles of this stack: a registry of another stack, which that stack would then need, is left as it is.
   *
   * @param machine deletes images
   */
  public protect(machine: sfn.StateMachine): void {
    const { artifacts, repository } = this.props.registry;
    type Conditions = Record<string, Record<string, string>>;
    const deny = (sid: string, actions: string[], resources?: string[], exceptFor?: Conditions): iam.PolicyStatement => new iam.PolicyStatement({
      sid,
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions,
      resources,
      conditions: exceptFor,
    });
    const stack = Stack.of(this);
    const model = ModelResources.of(this);
    const unless = ({ roleArn }: iam.IRole) => ({ ArnNotEquals: { 'aws:PrincipalArn': roleArn } });
    if (Stack.of(artifacts) === stack && this.handler.role !== undefined) {
      const objects = [artifacts.arnForObjects('*')];
      artifacts.addToResourcePolicy(deny('OnlyRetentionDeletes', ['s3:DeleteObject'], objects, unless(this.handler.role)));
      artifacts.addToResourcePolicy(deny('NobodyDeletesVersions', ['s3:DeleteObjectVersion'], objects));
    }
    if (Stack.of(repository) === stack) {
      repository.addToResourcePolicy(deny('OnlyRetentionDeletes', ['ecr:BatchDeleteImage'], undefined, model === undefined
        ? unless(machine.role)
      // the role has a right to the repository: only by its path can the repository name it
        : { ArnNotLike: { 'aws:PrincipalArn': `arn:${stack.partition}:iam::${stack.account}:role${model.workflowPath}*` } }));
    }
  }
}
