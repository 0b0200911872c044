import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { RecordedCall, tamperAttempt, TamperWatch } from './tamper';
import { MlopsEvents, MlopsEventType, TamperAttempt } from '../domain/events';

const eventBridge = new EventBridgeClient({});
const sns = new SNSClient({});

export interface RecordedCallEvent {
  readonly time: string;
  readonly detail: RecordedCall;
  /** Set by the rule that looks for roles only. */
  readonly aboutRoles?: boolean;
}

/** Tells who tried to touch a delivery or its evidence: as an event, and to people where there is a topic. */
export async function handler(event: RecordedCallEvent): Promise<TamperAttempt | null> {
  const attempt = tamperAttempt(event.detail, event.time, JSON.parse(process.env.WATCH ?? '') as TamperWatch, event.aboutRoles);
  if (attempt === undefined) return null;
  const answer = await eventBridge.send(new PutEventsCommand({
    Entries: [{
      Source: MlopsEvents.SOURCE,
      DetailType: MlopsEventType.TAMPER_ATTEMPT,
      Detail: JSON.stringify(attempt),
      EventBusName: process.env.EVENT_BUS,
      Time: new Date(attempt.time),
    }],
  }));
  const failure = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
  if (failure !== undefined) throw new Error(`the event was not taken: ${failure.ErrorCode} ${failure.ErrorMessage ?? ''}`);
  if (process.env.TOPIC !== undefined) {
    await sns.send(new PublishCommand({
      TopicArn: process.env.TOPIC,
      Subject: `Tamper attempt ${attempt.outcome}: ${attempt.action}`,
      Message: `${attempt.principal} tried ${attempt.action} on ${attempt.resource} at ${attempt.time}. `
        + (attempt.outcome === 'succeeded' ? 'It SUCCEEDED.' : `It ${attempt.outcome === 'denied' ? 'was denied' : 'failed'} (${attempt.errorCode}).`),
    }));
  }
  return attempt;
}
