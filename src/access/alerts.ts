import { Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { MlopsEvents, MlopsEventType } from '../domain/events';

/** Properties of `Alerts`. */
export interface AlertsProps {
  /**
   * Encrypts alerts on their way. CloudWatch and EventBridge are let use it; where the key was imported, its policy
   * must let them already.
   *
   * @default - a key of its own, with yearly rotation
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Addresses that get every alert, once they have confirmed it.
   *
   * @default - none; subscribe to `topic`
   */
  readonly emails?: string[];
  /**
   * The bus of the library's events.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;
}

/**
 * Where bad news is told: one topic for alarms and for what goes wrong on the way of a model. Good news is not told
 * here, it is on the event bus.
 *
 * @example
 * const alerts = new Alerts(this, 'Alerts', { emails: ['mlops@example.com'] });
 */
export class Alerts extends Construct {
  /** Give it to whatever has something to tell, and subscribe to it. */
  public readonly topic: sns.ITopic;

  constructor(scope: Construct, id: string, props: AlertsProps = {}) {
    super(scope, id);
    const key = props.encryptionKey ?? new kms.Key(this, 'Key', { description: 'Alerts of the MLOps platform', enableKeyRotation: true });
    const tellers = [new iam.ServicePrincipal('cloudwatch.amazonaws.com'), new iam.ServicePrincipal('events.amazonaws.com')];
    key.addToResourcePolicy(new iam.PolicyStatement({
      sid: 'AlarmsAndEvents',
      principals: tellers,
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      resources: ['*'],
    }));
    const topic = new sns.Topic(this, 'Topic', { displayName: 'MLOps alerts', masterKey: key, enforceSSL: true });
    topic.addToResourcePolicy(new iam.PolicyStatement({
      sid: 'Alarms',
      principals: [tellers[0]],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
    }));
    this.topic = topic;
    for (const email of props.emails ?? []) topic.addSubscription(new subscriptions.EmailSubscription(email));

    const of = (member: string): string => events.EventField.fromPath(`$.detail.${member}`);
    const tell = (type: MlopsEventType, text: string, detail?: Record<string, string[]>): void => {
      new events.Rule(this, type, {
        description: `Tells of ${type}`,
        eventBus: props.eventBus,
        eventPattern: { source: [MlopsEvents.SOURCE], detailType: [type], detail },
        targets: [new targets.SnsTopic(topic, { message: events.RuleTargetInput.fromText(text) })],
      });
    };
    tell(MlopsEventType.MODEL_REJECTED,
      `${of('time')} A candidate of the model ${of('model')} was rejected (${of('stage')}): ${of('reason')} [commit ${of('commit')}, dataset ${of('dataset')}]`);
    tell(MlopsEventType.SHADOW_VERDICT,
      `${of('time')} ${of('version')} does not replace ${of('champion')} on ${of('endpoint')} (${of('decision')}): ${of('reason')}`,
      { decision: ['reject', 'inconclusive'] });
    tell(MlopsEventType.RELEASE_ROLLED_BACK,
      `${of('time')} The release of ${of('version')} on ${of('endpoint')} was rolled back: ${of('reason')} [now ${of('endpointConfigName')}]`);
    tell(MlopsEventType.QUALITY_DEGRADED,
      `${of('time')} The model on ${of('endpoint')} has become worse: ${of('reason')} [alarm ${of('alarm')}]`);
  }
}
