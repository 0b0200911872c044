import { Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { CanarySettings, OWN_ALARMS } from './canary-plan';
import { isSageMakerName } from '../domain/release-names';
import { ReleasePlan, releasePlanProblems } from '../domain/release-plan';
import { Problems } from '../private/problems';
import { IModelEndpoint } from '../serving/model-endpoint';

const LONGEST_ALARM_NAME = 255;
/** `DescribeAlarms` answers so many at once, and each look asks for the history of each. */
const MOST_WATCHED = 100;
const LONGEST_WATCH_MINUTES = 30 * 24 * 60;
/** So many looks fit into the history of one execution. */
const MOST_LOOKS = 1000;
/** SageMaker gives a model 60 seconds to answer. */
const LONGEST_ANSWER = 60_000;

export interface CheckedRelease {
  readonly endpoint: IModelEndpoint;
  readonly settings: CanarySettings;
  readonly alarms: readonly cloudwatch.IAlarm[];
  readonly watch?: { readonly alarms: readonly cloudwatch.IAlarm[]; readonly everyMinutes: number };
}

/** Notes what cannot be released as asked for. */
export function checkRelease(problems: Problems, release: CheckedRelease): void {
  const { endpoint, settings, alarms, watch } = release;
  const { maxErrorRate, maxLatencyP95Milliseconds: latency } = settings;
  const name = endpoint.endpointName;
  checkShift(problems, release);
  problems
    .check(Token.isUnresolved(name) || isSageMakerName(name),
      `the endpoint's name must be 1 to 63 letters, digits and single inner hyphens, got '${name}'${name.length > 63 ? `, which has ${name.length}` : ''}`)
    .check(!endpoint.serverless, 'the endpoint\'s production variant is serverless, and SageMaker shifts its traffic all at once and unguarded: '
      + 'releases need a variant on instances')
    .check(Token.isUnresolved(maxErrorRate) || (maxErrorRate >= 0 && maxErrorRate < 1), `maxErrorRate must be at least 0 and below 1, got ${maxErrorRate}`)
    .check(Token.isUnresolved(latency) || (latency >= 1 && latency <= LONGEST_ANSWER),
      `maxLatencyP95 must be at least 1 ms and at most the ${LONGEST_ANSWER} ms that SageMaker gives a model to answer, got ${latency} ms`);
  checkNames(problems, 'alarms', alarms);
  if (watch === undefined) return;
  const { alarms: watched, everyMinutes: every } = watch;
  const window = settings.watchMinutes;
  checkNames(problems, 'watch.alarms', watched);
  problems
    .check(window >= 1 && window <= LONGEST_WATCH_MINUTES, `watch.window must be 1 minute to 30 days, got ${window} minutes`)
    .check(watched.length >= 1 && watched.length <= MOST_WATCHED, `watch.alarms must be 1 to ${MOST_WATCHED} alarms, got ${watched.length}`)
    .check(every >= 1, `watch.every must be at least 1 minute, got ${every} minutes`)
    .check(every <= window, `watch.every must not be longer than the window of ${window} minutes, got ${every} minutes`)
    .check(window / every <= MOST_LOOKS,
      `watch.every of ${every} minutes gives ${Math.ceil(window / every)} looks within the window, at most ${MOST_LOOKS} fit into one execution: `
      + `look every ${Math.ceil(window / MOST_LOOKS)} minutes or less often`);
}

/** The shift must be possible with each size that the fleet may have. */
function checkShift(problems: Problems, { endpoint, settings }: CheckedRelease): void {
  const { shift } = settings;
  const figures = [shift.step?.value, shift.waitSeconds, shift.terminationWaitSeconds, shift.maximumExecutionTimeoutSeconds];
  if (figures.some((value) => Token.isUnresolved(value))) return;
  const found = new Map<string, string>();
  for (const [size, instanceCount] of fleetSizes(endpoint, shift)) {
    for (const problem of releasePlanProblems(shift, { instanceCount, alarmCount: OWN_ALARMS + settings.alarmNames.length })) {
      if (!found.has(problem)) found.set(problem, `shift: ${size}${problem}`);
    }
  }
  problems.note(...found.values());
  const type = endpoint.instanceType;
  problems.check(Token.isUnresolved(type) || shift.kind === 'allAtOnce' || !type.startsWith('ml.inf1.'),
    `shift: SageMaker shifts traffic between instances of the type '${type}' all at once, and a ${shift.kind} shift was asked for`);
}

function fleetSizes({ autoscaling, instanceCount }: IModelEndpoint, shift: ReleasePlan): [string, number][] {
  const sizes: [string, number][] = autoscaling === undefined
    ? [['', instanceCount]]
    : [['with autoscaling\'s minCapacity ', autoscaling.minCapacity], ['with autoscaling\'s maxCapacity ', autoscaling.maxCapacity]]
      .map(([name, count]) => [`${name}of ${count}, `, Number(count)]);
  const known = sizes.filter(([, count]) => !Token.isUnresolved(count));
  // a size that is known only at deployment is taken for the one that suits the shift best
  return known.length > 0 ? known : [['', shift.step?.type === 'INSTANCE_COUNT' ? 2 * shift.step.value : 2]];
}

function checkNames(problems: Problems, prop: string, alarms: readonly cloudwatch.IAlarm[]): void {
  for (const { alarmName } of alarms) {
    problems.check(Token.isUnresolved(alarmName) || (alarmName.length >= 1 && alarmName.length <= LONGEST_ALARM_NAME),
      `${prop}: the name of an alarm has 1 to ${LONGEST_ALARM_NAME} characters, got ${alarmName.length} in '${alarmName.slice(0, 40)}…'`);
  }
}
