import { createConfig, createEndpoint, createModel, EndpointUpdate, remove, updateEndpoint } from './hosting-io';
import { CreateConfigRequest, CreateModelRequest } from './hosting-plan';
import { scaleAgain, scaleNew } from './scaling-io';
import { ScaledVariant } from './scaling-plan';
import { perModel } from '../private/model-io';
import { Fence, requireSlot } from '../registry/fence';

/** One change of what is hosted. Every one of them may be repeated: what is done already is not done twice. */
export type DeployEvent = Change & {
  /** The release that the change is part of; without one it is made unasked. */
  readonly fence?: Fence | null;
};

type Change =
  | { action: 'createModel'; request: CreateModelRequest }
  | { action: 'createConfig'; request: CreateConfigRequest }
  | { action: 'createEndpoint'; endpointName: string; configName: string }
  | ({ action: 'updateEndpoint' } & EndpointUpdate)
  // once the endpoint serves: `configName` again, or a new config in the place of `previousConfigName`
  | { action: 'scaleNew'; scaled: ScaledVariant; previousConfigName: string | null }
  | { action: 'scaleAgain'; scaled: ScaledVariant; configName: string }
  | { action: 'remove'; endpointName?: string; configName?: string; modelName?: string; unlessServedBy?: string; untilGone?: boolean; onlyFailed?: boolean };

/** `configName`: the config that the endpoint is, or will be, on. */
export interface DeployAnswer {
  readonly configName?: string;
}

async function handle(event: DeployEvent): Promise<DeployAnswer> {
  await requireSlot(event.fence);
  switch (event.action) {
    case 'createModel':
      await createModel(event.request);
      return {};
    case 'createConfig':
      await createConfig(event.request);
      return { configName: event.request.EndpointConfigName };
    case 'createEndpoint':
      await createEndpoint(event.endpointName, event.configName);
      return { configName: event.configName };
    case 'updateEndpoint':
      return { configName: await updateEndpoint(event) };
    case 'scaleNew':
      await scaleNew(event.scaled, event.previousConfigName);
      return {};
    case 'scaleAgain':
      await scaleAgain(event.scaled, event.configName);
      return {};
    case 'remove':
      await remove(event);
      return {};
  }
}

export const handler = perModel(handle);
