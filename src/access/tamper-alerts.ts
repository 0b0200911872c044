import { ArnFormat, Duration, Lazy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { estimatedLength } from './deny-policy';
import { packed } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectedActions } from './protected-actions';
import { recordedNames } from './recorded-calls';
import { ReportTamperFunction } from './report-tamper-function';
import { DEPLOYERS } from './service-control-policies';
import { TamperWatch } from './tamper';
import { RecordedData, TamperTrail } from './tamper-trail';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';

export interface TamperAlertsProps {
  readonly alerts?: sns.ITopic;
  readonly eventBus?: events.IEventBus;
  readonly createTrail: boolean;
  /** Buckets and tables whose data events the trail records; asked for when the template is written. */
  readonly recorded: () => RecordedData;
  readonly encryptionKey?: kms.IKey;
  /** What the watch is told, asked for when the template is written. */
  readonly watch: () => TamperWatch;
}

/** Of the 4,096 bytes that a function takes as its environment. */
const WATCH_LIMIT = 3700;
/** Of the 2,048 characters that EventBridge takes in a pattern, unless an account has asked for more. */
const PATTERN_LIMIT = 1950;

/** Looks at the calls that CloudTrail records, and tells of those that nobody should make. */
export class TamperAlerts extends Construct {
  /** Where the trail is written, where one was made. */
  public readonly trailBucket?: s3.IBucket;

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

    const detailType = ['AWS API Call via CloudTrail'];
    const often = { retryAttempts: 8, maxEventAge: Duration.hours(6) };
    const told = PROTECTED_ACTIONS.filter((entry) => entry.quiet !== true && recordedNames(entry).length > 0);
    packed(told, PATTERN_LIMIT, (entry) => JSON.stringify([names(entry), sources(entry)]).length).forEach((group, i) => {
      new events.Rule(this, `Calls${i + 1}`, {
        description: 'Calls by which a delivery or its evidence could be touched',
        eventPattern: { detailType, detail: { eventSource: [...new Set(group.flatMap(sources))], eventName: [...new Set(group.flatMap(names))] } },
        targets: [new targets.LambdaFunction(report, often)],
      });
    });
    const roles = new events.Rule(this, 'Roles', {
      description: 'Calls that were refused to pass a role, or to take one that deploys',
      eventPattern: {
        detailType,
        detail: { errorMessage: [{ wildcard: '*perform: iam:PassRole on *' }, { wildcard: `*perform: sts:AssumeRole on *:${DEPLOYERS}` }] },
      },
      targets: [new targets.LambdaFunction(report, {
        ...often,
        event: events.RuleTargetInput.fromObject({ time: events.EventField.time, detail: events.EventField.fromPath('$.detail'), aboutRoles: true }),
      })],
    });
    // to take a role counts as a call that only reads
    (roles.node.defaultChild as events.CfnRule).state = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS';
    if (props.createTrail) {
      const { recorded, encryptionKey } = props;
      this.trailBucket = new TamperTrail(this, { recorded, reporterArn: report.functionArn, encryptionKey }).bucket;
    }
  }
}

function sources({ service, eventSource }: ProtectedActions): string[] {
  return [`${service}.amazonaws.com`, ...eventSource === undefined ? [] : [eventSource]];
}

/** Lambda's events carry the date of the API's version behind the name. */
function names(entry: ProtectedActions): (string | { prefix: string })[] {
  return entry.service === 'lambda' ? recordedNames(entry).map((prefix) => ({ prefix })) : recordedNames(entry);
}
