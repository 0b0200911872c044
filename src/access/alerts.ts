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
 * Where bad news is told: one topic for alarms and for what goes wrong on the way of a model, and for what a release asks
 * of somebody. Good news is not told here, it is on the event bus.
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
    const tell = (type: MlopsEventType, text: string, detail?: Record<string, unknown[]>): void => {
      new events.Rule(this, type, {
        description: `Tells of ${type}`,
        eventBus: props.eventBus,
        eventPattern: { source: [MlopsEvents.SOURCE], detailType: [type], detail },
        targets: [new targets.SnsTopic(topic, { message: events.RuleTargetInput.fromText(text) })],
      });
    };
    tell(MlopsEventType.MODEL_REJECTED,
      `${of('time')} A candidate of the model ${of('model')} was rejected (${of('stage')}): ${of('reason')} [commit ${of('commit')}, dataset ${of('dataset')}]`);
    // a comparison that is part of a release is told of by the release
    tell(MlopsEventType.SHADOW_VERDICT,
      `${of('time')} ${of('endpoint')}: ${of('version')} is not to be promoted (${of('decision')}; version in production: ${of('champion')}): ${of('reason')}`,
      { decision: ['reject', 'inconclusive'], release: [{ exists: false }] });
    tell(MlopsEventType.RELEASE_REJECTED, `${of('time')} ${of('endpoint')}: ${of('account')}`);
    tell(MlopsEventType.RELEASE_ROLLED_BACK,
      `${of('time')} ${of('endpoint')}: the release of ${of('version')} was taken back [now ${of('endpointConfigName')}]. ${of('account')}`);
    tell(MlopsEventType.APPROVAL_REQUESTED,
      `${of('time')} ${of('endpoint')}: ${of('version')} by ${of('author')} waits for an approval (${of('hook')}) until ${of('until')}. To answer, send `
      + `version, decision (approve or reject) and reason as JSON by POST to ${of('url')}, signed by IAM for the service lambda. ${of('account')}`);
    tell(MlopsEventType.RELEASE_RECOVERY_FAILED,
      `${of('time')} The release of ${of('version')} on ${of('endpoint')} could not be undone yet, it will be tried again: ${of('reason')} [${of('execution')}]`);
    tell(MlopsEventType.ROLLBACK_IMPOSSIBLE, `${of('time')} ${of('endpoint')}: ${of('version')} stays in production, it cannot be rolled back: ${of('reason')}`);
    tell(MlopsEventType.ROLLBACK_FAILED,
      `${of('time')} ${of('endpoint')}: a rollback broke and is not gone on with, ${of('version')} is in production: ${of('reason')} [${of('execution')}]`);
    tell(MlopsEventType.QUALITY_DEGRADED,
      `${of('time')} The model on ${of('endpoint')} has become worse: ${of('reason')} [alarm ${of('alarm')}]`);
  }
}
