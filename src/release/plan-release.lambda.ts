import { describeAlarms, inWords, isFiring } from './alarms-io';
import { CanaryPlan, CanarySettings, fleetAlarms, PlanReleaseEvent } from './canary-plan';
import { deploymentConfig, planInWords, releasePlanProblems } from '../domain/release-plan';
import { perModel } from '../private/model-io';
import { describeConfig, describeEndpoint, EndpointUnsuitable, readCandidate, readChampion, recordDeployment, requireInService } from '../staging/hosting-io';
import { Champion, createModelRequest, leastInstanceCount, scaledVariant, deploymentRecord, namesFor, productionConfigRequest } from '../staging/hosting-plan';
import { readScaling } from '../staging/scaling-io';
import { calledByAlarms } from '../staging/scaling-plan';

async function handle(event: PlanReleaseEvent): Promise<CanaryPlan> {
  const { settings } = event;
  const champion = await currentChampion(event);
  const candidate = await readCandidate(event.input.modelPackageArn, event.input.version);
  const names = namesFor(settings.endpointName, candidate.version, event.run);
  const least = leastInstanceCount(settings);
  const instanceCount = champion === undefined ? settings.instanceCount : Math.max(champion.instanceCount, least ?? 0);
  const alarms = champion === undefined ? [] : fleetAlarms(names.endpointConfig, settings);
  const alarmNames = [...alarms.map((alarm) => alarm.AlarmName), ...settings.alarmNames];
  if (champion !== undefined) {
    // the fleet may have been scaled since the shift was chosen
    const problems = releasePlanProblems(settings.shift, { instanceCount, alarmCount: alarmNames.length });
    if (problems.length > 0) throw new EndpointUnsuitable(`${settings.endpointName} has ${instanceCount} instances now: ${problems.join('; ')}`);
  }
  await recordDeployment(settings.bucketName, [deploymentRecord(names.endpointConfig, settings.productionVariantName, candidate, event.time)]);
  return {
    plannedAt: event.time,
    candidate,
    names,
    fence: event.input.fence ?? null,
    model: createModelRequest(candidate, names.model, settings),
    config: productionConfigRequest(names, champion, instanceCount, settings),
    first: champion === undefined,
    shift: champion === undefined ? null : planInWords(settings.shift, { alarmCount: alarmNames.length, watchMinutes: settings.watchMinutes }),
    previousConfigName: champion?.configName ?? null,
    previousVersion: champion?.version ?? null,
    alarms,
    alarmNames,
    deploymentConfig: deploymentConfig(settings.shift, alarmNames),
    leastInstanceCount: least,
    blocked: await blockedBy(settings) ?? (champion === undefined ? null : await blockedByScaling(champion, settings)),
    settings,
  };
}

async function currentChampion(event: PlanReleaseEvent): Promise<Champion | undefined> {
  const { settings } = event;
  const endpoint = await describeEndpoint(settings.endpointName);
  // an endpoint that never came up has served nobody: it is replaced as if it were not there
  if (endpoint === undefined || endpoint.EndpointStatus === 'Failed') return undefined;
  requireInService(endpoint);
  const config = await describeConfig(endpoint.EndpointConfigName ?? '');
  if ((config.ShadowProductionVariants ?? []).length > 0) {
    throw new EndpointUnsuitable(`the endpoint ${settings.endpointName} has a shadow variant (endpoint config ${config.EndpointConfigName}): take it off first`);
  }
  return readChampion(endpoint, settings);
}

/** An alarm that fires before the release would only blame the release for it; one that is missing would guard nothing. */
async function blockedBy({ alarmNames, watchAlarmNames }: CanarySettings): Promise<string | null> {
  const wanted = [...new Set([...alarmNames, ...watchAlarmNames])];
  const alarms = await describeAlarms(wanted);
  const missing = wanted.filter((name) => !alarms.some((alarm) => alarm.name === name));
  if (missing.length > 0) return `not started: there is no alarm ${missing.join(', ')}`;
  const firing = alarms.filter((alarm) => alarmNames.includes(alarm.name) && isFiring(alarm));
  return firing.length === 0 ? null : `not started: ${inWords(firing)}`;
}

/** Alarms call step scaling by its ARN. It has another one once the variant has been registered anew, so they would call nothing. */
async function blockedByScaling(champion: Champion, settings: CanarySettings): Promise<string | null> {
  if (champion.variant.InstanceType === settings.instanceType) return null;
  const policies = calledByAlarms(await readScaling(scaledVariant(settings)));
  return policies.length === 0 ? null
    : `not started: the instance type changes from ${champion.variant.InstanceType} to ${settings.instanceType}, for which the fleet's scaling is registered anew, `
      + `and alarms would lose the step scaling ${policies.join(', ')}: replace it by target tracking, or remove it for the release`;
}

export const handler = perModel(handle);
