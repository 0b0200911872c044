import { describeAlarms, inWords, isFiring } from './alarms-io';
import { CanaryPlan, fleetAlarms, PlanReleaseEvent } from './canary-plan';
import { deploymentConfig, releasePlanProblems } from '../domain/release-plan';
import { describeConfig, describeEndpoint, EndpointUnsuitable, readCandidate, readChampion, recordDeployment, requireInService } from '../staging/hosting-io';
import { Champion, createModelRequest, deploymentRecord, namesFor, productionConfigRequest } from '../staging/hosting-plan';

export async function handler(event: PlanReleaseEvent): Promise<CanaryPlan> {
  const { settings } = event;
  const champion = await currentChampion(event);
  const candidate = await readCandidate(event.input.modelPackageArn, event.input.version);
  const names = namesFor(settings.endpointName, candidate.version, event.run);
  const instanceCount = champion?.instanceCount ?? settings.instanceCount;
  const alarms = champion === undefined ? [] : fleetAlarms(names.endpointConfig, settings);
  const alarmNames = [...alarms.map((alarm) => alarm.AlarmName), ...settings.alarmNames];
  if (champion !== undefined) {
    // the fleet may have been scaled since the shift was chosen
    const problems = releasePlanProblems(settings.shift, { instanceCount, alarmCount: alarmNames.length });
    if (problems.length > 0) throw new EndpointUnsuitable(`${settings.endpointName} has ${instanceCount} instances now: ${problems.join('; ')}`);
  }
  await recordDeployment(settings.bucketName, [deploymentRecord(names.endpointConfig, settings.productionVariantName, candidate, event.time)]);
  return {
    candidate,
    names,
    fence: event.input.fence ?? null,
    model: createModelRequest(candidate, names.model, settings),
    config: productionConfigRequest(names, champion, settings),
    first: champion === undefined,
    previousConfigName: champion?.configName ?? null,
    previousVersion: champion?.version ?? null,
    alarms,
    alarmNames,
    deploymentConfig: deploymentConfig(settings.shift, alarmNames),
    blocked: await blockedBy(settings.alarmNames),
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
async function blockedBy(alarmNames: readonly string[]): Promise<string | null> {
  const alarms = await describeAlarms(alarmNames);
  const missing = alarmNames.filter((name) => !alarms.some((alarm) => alarm.name === name));
  if (missing.length > 0) return `not started: there is no alarm ${missing.join(', ')}`;
  const firing = alarms.filter(isFiring);
  return firing.length === 0 ? null : `not started: ${inWords(firing)}`;
}
