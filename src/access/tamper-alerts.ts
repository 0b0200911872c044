import { ArnFormat, Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudtrail from 'aws-cdk-lib/aws-cloudtrail';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { estimatedLength } from './deny-policy';
import { packed } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectedActions } from './protected-actions';
import { ReportTamperFunction } from './report-tamper-function';
import { TamperWatch } from './tamper';
import { logAccess, newAccessLogs } from '../private/access-logs';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';

export interface TamperAlertsProps {
  readonly alerts?: sns.ITopic;
  readonly eventBus?: events.IEventBus;
  readonly createTrail: boolean;
  readonly encryptionKey?: kms.IKey;
  /** What the watch is told, asked for when the template is written. */
  readonly watch: () => TamperWatch;
}

/** Of the 4,096 bytes that a function takes as its environment. */
const WATCH_LIMIT = 3700;
/** Of the 4,096 characters that EventBridge takes in a pattern. */
const PATTERN_LIMIT = 3500;

/** Looks at the calls that CloudTrail records, and tells of those that nobody should make. */
export class TamperAlerts extends Construct {
  constructor(scope: Construct, id: string, props: TamperAlertsProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const busArn = props.eventBus?.eventBusArn
      ?? stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: 'default', arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
    const reporter = new Construct(this, 'Reporter');
    const report = new ReportTamperFunction(reporter, 'Function', handlerDefaults(reporter, {
      description: 'Tells who tried to touch a delivery or its evidence',
      encryptionKey: props.encryptionKey,
      environment: {
        WATCH: Lazy.string({ produce: () => stack.toJsonString(props.watch()) }),
        EVENT_BUS: props.eventBus?.eventBusName ?? 'default',
        ...props.alerts === undefined ? {} : { TOPIC: props.alerts.topicArn },
      },
    }));
    this.node.addValidation({
      validate: () => {
        const length = estimatedLength(this, props.watch());
        return length <= WATCH_LIMIT ? [] : [`what is exempt and listed has about ${length} characters, the function takes ${WATCH_LIMIT}; use patterns`];
      },
    });
    allow(report, { actions: ['events:PutEvents'], resources: [busArn] });
    if (props.alerts !== undefined) {
      allow(report, { actions: ['sns:Publish'], resources: [props.alerts.topicArn] });
      if (props.encryptionKey !== undefined) allow(report, { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], resources: [props.encryptionKey.keyArn] });
    }

    // what CloudTrail records by default: data events (objects, items, requests) need a trail that asks for them
    packed(PROTECTED_ACTIONS, PATTERN_LIMIT, (entry) => JSON.stringify([names(entry), sources(entry)]).length).forEach((group, i) => {
      new events.Rule(this, `Calls${i + 1}`, {
        description: 'Calls by which a delivery or its evidence could be touched',
        eventPattern: {
          detailType: ['AWS API Call via CloudTrail'],
          detail: { eventSource: [...new Set(group.flatMap(sources))], eventName: group.flatMap(names) },
        },
        targets: [new targets.LambdaFunction(report, { retryAttempts: 8, maxEventAge: Duration.hours(6) })],
      });
    });
    if (props.createTrail) this.createTrail();
  }

  private createTrail(): void {
    const bucket = new s3.Bucket(this, 'TrailBucket', {
      encryption: s3.BucketEncryption.S3_MANAGED,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      lifecycleRules: [{ id: 'a-year', expiration: Duration.days(365), noncurrentVersionExpiration: Duration.days(30) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    logAccess(bucket, newAccessLogs(this, RemovalPolicy.RETAIN));
    new cloudtrail.Trail(this, 'Trail', { bucket, enableFileValidation: true, isMultiRegionTrail: true, includeGlobalServiceEvents: true });
  }
}

function sources({ service, eventSource }: ProtectedActions): string[] {
  return [`${service}.amazonaws.com`, ...eventSource === undefined ? [] : [eventSource]];
}

/** Lambda's events carry the date of the API's version behind the name. */
function names({ service, actions }: ProtectedActions): (string | { prefix: string })[] {
  return service === 'lambda' ? actions.map((prefix) => ({ prefix })) : [...actions];
}
