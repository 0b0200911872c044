import { Duration, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct, IConstruct } from 'constructs';
import { encryptedBucket } from './encrypted-bucket';
import { EventRouter } from './event-router';
import { HandlerPool } from './handler-pool';
import { rootOf } from './root-stack';
import { fingerprint } from '../domain/fingerprint';
import { cleanName } from '../domain/release-names';

export interface PlatformResourcesProps {
  readonly encryptionKey: kms.IKey;
  /** Told of events that could not be handed on. */
  readonly alerts?: sns.ITopic;
  /** Makes a bucket that takes the access logs of many. */
  readonly newAccessLogs: (within: Construct) => s3.IBucket;
  /** What the paths of roles begin with; absent: a slash. */
  readonly rolePath?: string;
}

const shared = new WeakMap<IConstruct, PlatformResources>();

/** What all models of a platform have in common. A model that belongs to none has it for itself. */
export class PlatformResources {
  /** What there is at a construct or above it. */
  public static of(scope: IConstruct): PlatformResources | undefined {
    return [...scope.node.scopes].reverse().map((each) => shared.get(each)).find((each) => each !== undefined);
  }

  /** What the names of the models' state machines begin with. */
  public readonly prefix: string;
  /** What the names of the models' pipelines begin with: they have room for 20 characters. */
  public readonly pipelinePrefix: string;
  /** Starts what events of the models are about. */
  public readonly router: EventRouter;
  /** The functions of the models. */
  public readonly handlers: HandlerPool;
  /** Where the streams of labels say what they could not write. */
  public readonly deliveryLog: logs.LogStream;
  /** That stream's log group. */
  public readonly deliveryLogs: logs.ILogGroup;
  /** Access logs of the models' buckets. */
  public readonly accessLogs: s3.IBucket;
  /** What the models' pipelines hand from action to action, each below its name. */
  public readonly pipelineFiles: s3.IBucket;

  /** What the paths of roles begin with. */
  public readonly rolePath: string;

  /** @param scope everything below it shares */
  constructor(scope: Construct, { encryptionKey, alerts, newAccessLogs, rolePath = '/' }: PlatformResourcesProps) {
    shared.set(scope, this);
    const within = new Construct(scope, 'Models');
    this.rolePath = rolePath;
    // like the names that CloudFormation makes, by which the platform knows its own work
    const stackName = rootOf(Stack.of(scope)).stackName;
    const known = Token.isUnresolved(stackName) ? 'mlops' : stackName;
    const mark = fingerprint(`${scope.node.addr} ${known}`);
    this.prefix = `${known.slice(0, 20)}-${mark}-`;
    this.pipelinePrefix = `${mark}-`;
    this.handlers = new HandlerPool(within, 'Handlers', { rolePath, prefix: this.prefix, encryptionKey });
    this.router = new EventRouter(within, 'Router', { machines: `${this.prefix}*`, pipelines: `${this.pipelinePrefix}*` }, encryptionKey);
    if (alerts !== undefined) this.router.alarmOn(alerts);
    this.deliveryLogs = new logs.LogGroup(within, 'Labels', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
    this.deliveryLog = new logs.LogStream(within, 'LabelStream', { logGroup: this.deliveryLogs, removalPolicy: RemovalPolicy.DESTROY });
    this.accessLogs = newAccessLogs(within);
    this.pipelineFiles = newPipelineFiles(within, 'PipelineFiles', encryptionKey);
  }

  /** Name of a data pipeline's state machine. All of a platform begin alike, and as nothing of a model does, whose names have no underscore. */
  public nameOfPipeline(datasetName: string, workflow: IConstruct): string {
    return `${this.prefix}data_${cleanName(Token.isUnresolved(datasetName) ? 'dataset' : datasetName, 30)}-${workflow.node.addr.slice(-8)}`;
  }
}

/** A bucket for what pipelines hand from action to action. */
export function newPipelineFiles(scope: Construct, id: string, encryptionKey?: kms.IKey): s3.Bucket {
  const bucket = new s3.Bucket(scope, id, {
    ...encryptedBucket(encryptionKey),
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [{
      expiration: Duration.days(30),
      noncurrentVersionExpiration: Duration.days(7),
      abortIncompleteMultipartUploadAfter: Duration.days(1),
    }],
  });
  Validations.of(bucket).acknowledge({
    id: 'AwsSolutions-S1',
    reason: 'Files of a run on their way from one action of the pipeline to the next, which expire; the repository and the registry hold what stays',
  });
  return bucket;
}
