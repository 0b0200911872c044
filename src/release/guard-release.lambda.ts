import { deleteAlarms, firedInWords, putAlarms } from './alarms-io';
import { CanaryPlan } from './canary-plan';
import { perModel } from '../private/model-io';
import { requireSlot } from '../registry/fence';

/** What guards a release: its alarms, and the look at them afterwards. */
export type GuardEvent =
  | { action: 'put'; plan: CanaryPlan }
  | { action: 'delete'; plan: CanaryPlan }
  | { action: 'explain'; plan: CanaryPlan; endpoint: { EndpointStatus?: string; EndpointConfigName?: string; FailureReason?: string } }
  | { action: 'watch'; plan: CanaryPlan; endpoint?: { LastModifiedTime?: string | number }; switchedAt: string; time: string };

/** `verdict` of a watch: `bad` takes the release back, `over` ends it well. */
export interface GuardAnswer {
  readonly verdict?: 'bad' | 'over' | 'watching';
  readonly reason?: string;
}

async function handle(event: GuardEvent): Promise<GuardAnswer> {
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

/** SageMaker rolls back without saying so, and often without saying why: the alarms know, even where they have cleared since. */
async function explain(event: GuardEvent & { action: 'explain' }): Promise<string> {
  const { plan, endpoint } = event;
  const fired = await firedInWords(plan.alarmNames, Date.parse(plan.plannedAt));
  const causes = [...(endpoint.FailureReason === undefined || endpoint.FailureReason === '' ? [] : [endpoint.FailureReason]), ...fired];
  const what = endpoint.EndpointStatus === 'InService'
    ? `SageMaker rolled back to ${endpoint.EndpointConfigName}`
    : `the endpoint is ${endpoint.EndpointStatus}`;
  return `${what}: ${causes.length === 0 ? 'it gave no reason, and no alarm has fired' : causes.join('; ')}`;
}

/**
 * Alarms that guard the release were quiet when it was planned. One on quality may fire because of the version that has just been replaced: of those
 * only one that started to fire since the switch counts. Either counts also where it has cleared before anybody looked.
 */
async function watch(event: GuardEvent & { action: 'watch' }): Promise<GuardAnswer> {
  const { plan, switchedAt, time } = event;
  const { settings } = plan;
  const guarding = new Set(plan.alarmNames);
  const fired = [
    ...await firedInWords(plan.alarmNames, Date.parse(plan.plannedAt)),
    ...await firedInWords(settings.watchAlarmNames.filter((name) => !guarding.has(name)), switchOf(event)),
  ];
  if (fired.length > 0) return { verdict: 'bad', reason: `taken back while it was watched: ${fired.join('; ')}` };
  const over = Date.parse(time) >= Date.parse(switchedAt) + settings.watchMinutes * 60_000;
  return { verdict: over ? 'over' : 'watching' };
}

/** The switch is noticed a little after it was made. */
function switchOf({ switchedAt, endpoint }: GuardEvent & { action: 'watch' }): number {
  const noticed = Date.parse(switchedAt);
  const made = endpoint?.LastModifiedTime;
  const at = typeof made === 'number' ? made * 1000 : Date.parse(made ?? '');
  return at < noticed ? at : noticed;
}

export const handler = perModel(handle);
