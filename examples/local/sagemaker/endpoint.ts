import { Fleet, Generation } from './fleet';
import { Json, JsonObject } from '../cloud/types';
import { seconds } from '../cloudwatch/shape';

export type EndpointStatus = 'Creating' | 'InService' | 'Updating' | 'Deleting' | 'Failed' | 'RollingBack';

interface Route {
  readonly fleet: Fleet;
  readonly weight: number;
  credit: number;
}

/** What is told of a variant while a deployment is going on. */
export interface Phase {
  readonly status: 'Creating' | 'Updating' | 'ActivatingTraffic' | 'Baking' | 'Deleting';
  readonly message: string;
  readonly since: number;
}

export interface Pending {
  readonly generation: Generation;
  readonly startTime: number;
  phase: Phase;
}

/** An endpoint: its fleets, and how requests are spread over them. */
export class Endpoint {
  status: EndpointStatus = 'Creating';
  failureReason?: string;
  lastDeploymentConfig?: JsonObject;
  current?: Generation;
  pending?: Pending;
  modified: number;
  private routes: Route[] = [];
  /** Share of the pending generation's instances that are on, 0 to 1. */
  private greenShare = 0;

  constructor(readonly name: string, readonly arn: string, readonly created: number, readonly tags: Json) {
    this.modified = created;
  }

  /** Which config serves which share of the requests. */
  get shares(): Record<string, number> {
    const shares: Record<string, number> = {};
    const total = this.routes.reduce((sum, route) => sum + route.weight, 0);
    for (const { fleet, weight } of this.routes) {
      const name = fleet.options.config.name;
      shares[name] = (shares[name] ?? 0) + weight / total;
    }
    return shares;
  }

  /** Spreads requests: `green` of them to the pending generation, the others to the current one. */
  route(green: number): void {
    this.greenShare = green;
    const of = (generation: Generation | undefined, share: number): Route[] => {
      const total = generation?.production.reduce((sum, fleet) => sum + fleet.weight, 0) ?? 0;
      return (generation?.production ?? []).map((fleet) => ({ fleet, weight: share * fleet.weight / total, credit: 0 }))
        .filter(({ weight }) => weight > 0);
    };
    this.routes = [...of(this.current, this.pending === undefined ? 1 : 1 - green), ...of(this.pending?.generation, green)];
  }

  /** The next request's fleet: round robin by weight, so that a share of one half is every second request. */
  next(variantName?: string): Fleet | undefined {
    const routes = variantName === undefined ? this.routes : this.routes.filter(({ fleet }) => fleet.options.variant.name === variantName);
    let best: Route | undefined;
    let total = 0;
    for (const route of routes) {
      route.credit += route.weight;
      total += route.weight;
      if (best === undefined || route.credit > best.credit + 1e-9) best = route;
    }
    if (best !== undefined) best.credit -= total;
    return best?.fleet;
  }

  generationOf(fleet: Fleet): Generation | undefined {
    return [this.current, this.pending?.generation].find((generation) => generation?.production.includes(fleet) === true);
  }

  describe(): JsonObject {
    const { current, pending } = this;
    return {
      EndpointName: this.name,
      EndpointArn: this.arn,
      EndpointConfigName: (current ?? pending?.generation)?.config.name ?? '',
      EndpointStatus: this.status,
      CreationTime: seconds(this.created),
      LastModifiedTime: seconds(this.modified),
      ...(current && {
        ProductionVariants: current.production.map((fleet) => variant(fleet, 1 - (pending ? this.greenShare : 0), pending?.phase)),
        ...(current.shadow && { ShadowProductionVariants: [variant(current.shadow, 1, pending?.phase)] }),
        ...dataCapture(current),
      }),
      ...(pending && this.status !== 'InService' && {
        PendingDeploymentSummary: {
          EndpointConfigName: pending.generation.config.name,
          StartTime: seconds(pending.startTime),
          ProductionVariants: pending.generation.production.map((fleet) => variant(fleet, this.greenShare, pending.phase)),
          ...(pending.generation.shadow && { ShadowProductionVariants: [variant(pending.generation.shadow, this.greenShare, pending.phase)] }),
        },
      }),
      ...(this.lastDeploymentConfig && { LastDeploymentConfig: this.lastDeploymentConfig }),
      ...(this.failureReason !== undefined && { FailureReason: this.failureReason }),
    };
  }
}

function variant(fleet: Fleet, active: number, phase: Phase | undefined): JsonObject {
  return {
    VariantName: fleet.options.variant.name,
    CurrentWeight: fleet.weight,
    DesiredWeight: fleet.weight,
    CurrentInstanceCount: Math.round(fleet.instanceCount * active),
    DesiredInstanceCount: fleet.instanceCount,
    ...(phase && { VariantStatus: [{ Status: phase.status, StatusMessage: phase.message, StartTime: seconds(phase.since) }] }),
  };
}

function dataCapture({ config }: Generation): JsonObject {
  if (config.capture === undefined) return {};
  const { bucket, prefix, percentage } = config.capture;
  return {
    DataCaptureConfig: {
      EnableCapture: true, CaptureStatus: 'Started', CurrentSamplingPercentage: percentage, DestinationS3Uri: `s3://${bucket}/${prefix}`, KmsKeyId: '',
    },
  };
}
