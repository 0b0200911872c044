import { ArnFormat, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

/** The longest and the most often that EventBridge tries. */
export const RETRY_POLICY = { maximumEventAgeInSeconds: Duration.days(1).toSeconds(), maximumRetryAttempts: 185 };

/** Keeps what EventBridge could not deliver in a day of tries, and tells of it. */
export class LostEvents extends Construct {
  public readonly queue: sqs.IQueue;

  /** @param encryptionKey must let EventBridge use it */
  constructor(scope: Construct, id: string, alerts?: sns.ITopic, encryptionKey?: kms.IKey) {
    super(scope, id);
    const stack = Stack.of(this);
    const queue = new sqs.Queue(this, 'Queue', {
      encryption: encryptionKey === undefined ? sqs.QueueEncryption.SQS_MANAGED : sqs.QueueEncryption.KMS,
      encryptionMasterKey: encryptionKey,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(queue).acknowledge({ id: 'AwsSolutions-SQS3', reason: 'It is itself what other queues have as their dead-letter queue' });
    if (encryptionKey === undefined) {
      // a key of one's own would have to let EventBridge use it, or the last copy of an event is lost
      const skip = [{ id: 'CKV_AWS_27', comment: 'It is encrypted with keys of SQS, which checkov does not look for' }];
      (queue.node.defaultChild as sqs.CfnQueue).addMetadata('checkov', { skip });
    }
    // of all rules of this account and region: the rules of models refer to the queue, which must not refer to them
    const rules = stack.formatArn({ service: 'events', resource: 'rule', resourceName: '*', arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
    queue.addToResourcePolicy(new iam.PolicyStatement({
      sid: 'LostEvents',
      principals: [new iam.ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': rules },
      },
    }));
    const alarm = new cloudwatch.Alarm(this, 'Alarm', {
      alarmDescription: 'An event that starts a run could not be delivered in a day; it is in the queue, and its run has not been',
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' }),
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      threshold: 0,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    if (alerts !== undefined) alarm.addAlarmAction(new actions.SnsAction(alerts));
    this.queue = queue;
  }
}

/** A target that EventBridge tries to reach for a day, and whose events it does not drop then where there is a queue for them. */
export function surely(target: events.IRuleTarget, lost?: sqs.IQueue, input?: events.RuleTargetInput): events.IRuleTarget {
  return {
    bind: (rule, id) => ({
      ...target.bind(rule, id),
      ...input === undefined ? {} : { input },
      retryPolicy: RETRY_POLICY,
      ...lost === undefined ? {} : { deadLetterConfig: { arn: lost.queueArn } },
    }),
  };
}
