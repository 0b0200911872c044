import { DescribeEndpointCommandOutput } from '@aws-sdk/client-sagemaker';
import { configsOf, describeConfig, describeEndpoint, EndpointUnsuitable, readCandidate, readChampion, recordDeployment, requireInService } from './hosting-io';
import { Champion, createModelRequest, deploymentRecord, namesFor, scaledVariant, shadowConfigRequest, stagingConfigRequest } from './hosting-plan';
import { readScaling } from './scaling-io';
import { PlanShadowEvent, ShadowPlan } from './shadow-plan';
import { hourAt, lossHistorySql } from '../domain/pairing-sql';
import { ownPrefix } from '../domain/release-names';
import { perModel } from '../private/model-io';

const HISTORY_HOURS = 30 * 24;
/** A query may name this many configs of the champion's past. */
const HISTORY_CONFIGS = 50;

async function handle(event: PlanShadowEvent): Promise<ShadowPlan> {
  const { settings } = event;
  const endpoint = await describeEndpoint(settings.endpointName);
  // an endpoint that never came up has served nobody: there is no champion, as where there is no endpoint yet
  const serving = endpoint === undefined || endpoint.EndpointStatus === 'Failed' ? undefined : await championOf(endpoint, event);
  const candidate = await readCandidate(event.input.modelPackageArn, event.input.version);
  const names = namesFor(settings.endpointName, candidate.version, event.run);
  const base = {
    candidate,
    names,
    fence: event.input.fence ?? null,
    model: createModelRequest(candidate, names.model, settings),
    staging: stagingConfigRequest(names, serving?.champion, settings.stagingInstanceCount, settings),
    settings,
  };
  if (serving === undefined) return base;
  const { champion, history } = serving;
  const scaling = await readScaling(scaledVariant(settings));
  await recordDeployment(settings.bucketName, [
    deploymentRecord(names.shadowEndpointConfig, settings.productionVariantName, champion, event.time),
    deploymentRecord(names.shadowEndpointConfig, settings.shadowVariantName, candidate, event.time),
  ]);
  return { ...base, champion, config: shadowConfigRequest(champion, names, settings.samplingPercentage, settings, scaling), ...history };
}

async function championOf(
  endpoint: DescribeEndpointCommandOutput, event: PlanShadowEvent,
): Promise<{ champion: Champion; history: Pick<ShadowPlan, 'history'> }> {
  const { settings } = event;
  requireInService(endpoint);
  const config = await describeConfig(endpoint.EndpointConfigName ?? '');
  if ((config.ShadowProductionVariants ?? []).length > 0) {
    throw new EndpointUnsuitable(`the endpoint ${settings.endpointName} has a shadow variant already (endpoint config ${config.EndpointConfigName})`);
  }
  const champion = await readChampion(endpoint, settings);
  const capturedHere = config.DataCaptureConfig?.EnableCapture !== false
    && config.DataCaptureConfig?.DestinationS3Uri === `s3://${settings.bucketName}/captures/${champion.configName}`;
  return { champion, history: settings.blockHours === undefined ? await historyOf(champion, capturedHere, event) : {} };
}

async function historyOf(champion: Champion, capturedHere: boolean, event: PlanShadowEvent): Promise<Pick<ShadowPlan, 'history'>> {
  const { settings, time } = event;
  const recorded = await configsOf(champion.version, settings, ownPrefix(settings.endpointName), HISTORY_CONFIGS);
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

export const handler = perModel(handle);
