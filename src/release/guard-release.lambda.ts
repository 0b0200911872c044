import { deleteAlarms, describeAlarms, inWords, isFiring, putAlarms } from './alarms-io';
import { CanaryPlan } from './canary-plan';
import { requireSlot } from '../registry/fence';

/** What guards a release: its alarms, and the look at them afterwards. */
export type GuardEvent =
  | { action: 'put'; plan: CanaryPlan }
  | { action: 'delete'; plan: CanaryPlan }
  | { action: 'explain'; plan: CanaryPlan; endpoint: { EndpointStatus?: string; EndpointConfigName?: string; FailureReason?: string } }
  | { action: 'watch'; plan: CanaryPlan; switchedAt: string; time: string };

/** `verdict` of a watch: `bad` takes the release back, `over` ends it well. */
export interface GuardAnswer {
  readonly verdict?: 'bad' | 'over' | 'watching';
  readonly reason?: string;
}

export async function handler(event: GuardEvent): Promise<GuardAnswer> {
  switch (event.action) {
    case 'put':
      await requireSlot(event.plan.fence);
      await putAlarms(event.plan.alarms);
      return {};
    case 'delete':
      await requireSlot(event.plan.fence);
      await deleteAlarms(event.plan.alarms.map((alarm) => alarm.AlarmName));
      return {};
    case 'explain': return { reason: await explain(event) };
    case 'watch': return watch(event);
  }
}

/** SageMaker rolls back without saying so, and often without saying why: the alarms know. */
async function explain(event: GuardEvent & { action: 'explain' }): Promise<string> {
  const { plan, endpoint } = event;
  const firing = (await describeAlarms(plan.alarmNames)).filter(isFiring);
  const causes = [
    ...(endpoint.FailureReason === undefined || endpoint.FailureReason === '' ? [] : [endpoint.FailureReason]),
    ...(firing.length === 0 ? [] : [inWords(firing)]),
  ];
  const what = endpoint.EndpointStatus === 'InService'
    ? `SageMaker rolled back to ${endpoint.EndpointConfigName}`
    : `the endpoint is ${endpoint.EndpointStatus}`;
  return `${what}: ${causes.length === 0 ? 'it gave no reason, and no alarm is firing any more' : causes.join('; ')}`;
}

async function watch(event: GuardEvent & { action: 'watch' }): Promise<GuardAnswer> {
  const { plan, switchedAt, time } = event;
  const { settings } = plan;
  const guarding = (await describeAlarms(plan.alarmNames)).filter(isFiring);
  // an alarm on quality may fire because of the version that has just been replaced: only one that started to fire since then counts
  const watched = (await describeAlarms(settings.watchAlarmNames))
    .filter((alarm) => isFiring(alarm) && alarm.since !== undefined && Date.parse(alarm.since) >= Date.parse(switchedAt));
  const firing = [...guarding, ...watched];
  if (firing.length > 0) return { verdict: 'bad', reason: `taken back while it was watched: ${inWords(firing)}` };
  const over = Date.parse(time) >= Date.parse(switchedAt) + settings.watchMinutes * 60_000;
  return { verdict: over ? 'over' : 'watching' };
}
