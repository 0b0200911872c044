import { configsOf, describeConfig, describeEndpoint, EndpointUnsuitable, readCandidate, readChampion, recordDeployment, requireInService } from './hosting-io';
import { Champion, createModelRequest, deploymentRecord, namesFor, OWN_PREFIX, shadowConfigRequest } from './hosting-plan';
import { PlanShadowEvent, ShadowPlan } from './shadow-plan';
import { hourAt, lossHistorySql } from '../domain/pairing-sql';
import { cleanName } from '../domain/release-names';

const HISTORY_HOURS = 30 * 24;
/** A query may name this many configs of the champion's past. */
const HISTORY_CONFIGS = 50;

export async function handler(event: PlanShadowEvent): Promise<ShadowPlan> {
  const { settings } = event;
  const endpoint = await describeEndpoint(settings.endpointName);
  if (endpoint === undefined) throw new EndpointUnsuitable(`there is no endpoint ${settings.endpointName} yet, so there is no champion to compare with`);
  requireInService(endpoint);
  const config = await describeConfig(endpoint.EndpointConfigName ?? '');
  if ((config.ShadowProductionVariants ?? []).length > 0) {
    throw new EndpointUnsuitable(`the endpoint ${settings.endpointName} has a shadow variant already (endpoint config ${config.EndpointConfigName})`);
  }
  const champion = await readChampion(endpoint, settings);
  const candidate = await readCandidate(event.input.modelPackageArn, event.input.version);
  const names = namesFor(settings.endpointName, candidate.version, event.run);
  const capturedHere = config.DataCaptureConfig?.EnableCapture !== false
    && config.DataCaptureConfig?.DestinationS3Uri === `s3://${settings.bucketName}/captures/${champion.configName}`;
  const history = settings.blockHours === undefined ? await historyOf(champion, capturedHere, event) : {};

  await recordDeployment(settings.bucketName, [
    deploymentRecord(names.shadowEndpointConfig, settings.productionVariantName, champion, event.time),
    deploymentRecord(names.shadowEndpointConfig, settings.shadowVariantName, candidate, event.time),
  ]);
  return {
    candidate,
    champion,
    names,
    model: createModelRequest(candidate, names.model, settings),
    config: shadowConfigRequest(champion, names, settings.samplingPercentage, settings),
    ...history,
    settings,
  };
}

async function historyOf(champion: Champion, capturedHere: boolean, event: PlanShadowEvent): Promise<Pick<ShadowPlan, 'history'>> {
  const { settings, time } = event;
  const recorded = await configsOf(champion.version, settings, cleanName(settings.endpointName, OWN_PREFIX), HISTORY_CONFIGS);
  const configNames = [...new Set([...(capturedHere ? [champion.configName] : []), ...recorded])];
  if (configNames.length === 0) return {};
  const until = hourAt(new Date(Date.parse(time) - settings.labelDelayMinutes * 60_000).toISOString().replace(/:.*/, ':00:00Z'), 0);
  const from = hourAt(until, -HISTORY_HOURS);
  const sql = lossHistorySql({
    configNames,
    endpointName: settings.endpointName,
    championVariant: settings.productionVariantName,
    from,
    until,
    labelsUntil: time,
    loss: settings.loss,
  });
  return { history: { sql, from } };
}
