import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { Problems } from '../private/problems';

/** Properties of `GlobalEvents`. */
export interface GlobalEventsProps {
  /** The region of the platform, such as `eu-central-1`. */
  readonly region: string;
  /**
   * Name of the bus there.
   *
   * @default 'default'
   */
  readonly eventBusName?: string;
}

/** Where IAM is, and STS for those who ask it without a region. */
const HOME = 'us-east-1';

/**
 * Forwards calls to IAM and STS from us-east-1 to the platform's region: IAM is in that region alone, wherever it is called
 * from, and CloudTrail hands its calls to EventBridge there. Without it, who edits or passes a role of a platform in another
 * region is denied all the same, but not told. Put it into a stack in us-east-1 of the same account; a platform in us-east-1
 * needs none.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
 *
 * @example
 * declare const app: App;
 * const global = new Stack(app, 'Global', { env: { region: 'us-east-1', account: '111122223333' } });
 * new GlobalEvents(global, 'Events', { region: 'eu-central-1' });
 */
export class GlobalEvents extends Construct {
  constructor(scope: Construct, id: string, props: GlobalEventsProps) {
    super(scope, id);
    const stack = Stack.of(this);
    new Problems(this)
      .check(Token.isUnresolved(stack.region) || stack.region === HOME, `the stack must be in ${HOME}, where IAM's calls are recorded; it is in ${stack.region}`)
      .check(Token.isUnresolved(props.region) || (/^[a-z]{2}(-[a-z]+)+-\d$/.test(props.region) && props.region !== HOME),
        `region must be the platform's, another one than ${HOME}, got '${props.region}'`)
      .throwIfAny();
    const bus = events.EventBus.fromEventBusArn(this, 'Bus', stack.formatArn({
      service: 'events', region: props.region, resource: 'event-bus', resourceName: props.eventBusName ?? 'default', arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    }));
    const forward = (name: string, detail: Record<string, unknown>): events.Rule => new events.Rule(this, name, {
      description: `Forwards calls to ${props.region}`,
      eventPattern: { detailType: ['AWS API Call via CloudTrail'], detail: { ...detail, userIdentity: { type: [{ 'anything-but': ['AWSService'] }] } } },
      targets: [new targets.EventBus(bus)],
    });
    forward('Identity', { eventSource: ['iam.amazonaws.com'] });
    const sessions = forward('Sessions', { eventSource: ['sts.amazonaws.com'], eventName: [{ prefix: 'AssumeRole' }] });
    // to take a role counts as a call that only reads
    (sessions.node.defaultChild as events.CfnRule).state = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS';
  }
}
