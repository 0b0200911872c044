import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { readSettings, readState } from './quality-io';
import { MlopsEvents, MlopsEventType, QualityDegraded } from '../domain/events';
import { Serving } from '../domain/quality-report';
import { clientFor, perModel, setting } from '../private/model-io';

const eventBridge = clientFor(EventBridgeClient);

/** What CloudWatch says when an alarm changes its state. */
export interface AlarmStateChange {
  readonly time: string;
  readonly detail: {
    readonly alarmName: string;
    readonly state: { readonly value: string; readonly reason?: string };
  };
}

/** Tells everybody that the model in production has become worse than was accepted, and by how much. */
async function handle(event: AlarmStateChange): Promise<QualityDegraded> {
  const { bucketName, endpointName, productionVariant } = readSettings();
  const serving = (await readState(bucketName, endpointName))?.serving[productionVariant];
  const detail: QualityDegraded = {
    endpoint: endpointName,
    version: serving?.version ?? 'unknown',
    alarm: event.detail.alarmName,
    reason: reasonOf(serving) ?? event.detail.state.reason ?? 'the alarm gives no reason',
    time: event.time,
  };
  const answer = await eventBridge.send(new PutEventsCommand({
    Entries: [{
      Source: MlopsEvents.SOURCE,
      DetailType: MlopsEventType.QUALITY_DEGRADED,
      Detail: JSON.stringify(detail),
      EventBusName: setting('EVENT_BUS'),
      Time: new Date(event.time),
    }],
  }));
  const failure = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
  if (failure !== undefined) throw new Error(`the event was not taken: ${failure.ErrorCode} ${failure.ErrorMessage ?? ''}`);
  return detail;
}

function reasonOf(serving: Serving | undefined): string | undefined {
  if (serving?.ratio === undefined || serving.rmse === undefined || serving.acceptedRmse === undefined) return undefined;
  const figure = (value: number): string => value.toPrecision(4);
  return `over the last ${serving.samples} labels the RMSE of ${serving.version} is ${figure(serving.rmse)}, `
    + `${figure(serving.ratio)} times the ${figure(serving.acceptedRmse)} with which it was accepted`;
}

export const handler = perModel(handle);
