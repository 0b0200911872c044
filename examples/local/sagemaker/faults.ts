/**
 * Injected faults: ways to make a fleet misbehave on purpose, so that what guards a release can be seen at work. Nothing
 * here happens by itself, and everything that it causes says "injected".
 */
export interface Fault {
  /** Part of the endpoint config's name, for the fleets of that config. */
  readonly endpointConfigNameContains?: string;
  readonly endpointName?: string;
  readonly modelName?: string;
  /** Part of the model's name, for whichever config serves it. */
  readonly modelNameContains?: string;
  /**
   * `error`: the container answers 500 without being asked. `latency`: its answer comes late. `failure`: the deployment of
   * the config fails, and so does the way back from it, so that the endpoint is `Failed`.
   */
  readonly kind: 'error' | 'latency' | 'failure';
  /** Real milliseconds by which `latency` delays an answer. @default 200 */
  readonly milliseconds?: number;
  /** Of the requests, the share that is hit. @default 1 */
  readonly share?: number;
  /** Hits copies to a shadow variant instead of requests that callers wait for. @default false */
  readonly shadow?: boolean;
}

/** The fleet that a request goes to. */
export interface FaultTarget {
  readonly endpointName: string;
  readonly configName: string;
  readonly modelName: string;
  readonly shadow: boolean;
}

export class Faults {
  /** How many requests were hit, for the report. */
  hits = 0;
  private readonly active = new Map<Fault, number>();

  /** Adds a fault; the answer takes it away again. */
  inject(fault: Fault): () => void {
    if ([fault.endpointConfigNameContains, fault.endpointName, fault.modelName, fault.modelNameContains].every((target) => target === undefined)) {
      throw new Error('a fault needs a target: endpointConfigNameContains, endpointName, modelName or modelNameContains');
    }
    this.active.set(fault, 0);
    return () => void this.active.delete(fault);
  }

  /** Whether the deployment of a config fails beyond repair. */
  breaks(endpointName: string, configName: string): boolean {
    const hit = [...this.active.keys()].some((fault) => fault.kind === 'failure'
      && matches({ ...fault, shadow: false }, { endpointName, configName, modelName: '', shadow: false }));
    if (hit) this.hits += 1;
    return hit;
  }

  /** The fault that hits the next request to a fleet. */
  next(target: FaultTarget): Fault | undefined {
    for (const [fault, carried] of this.active) {
      if (fault.kind === 'failure' || !matches(fault, target)) continue;
      const sum = carried + (fault.share ?? 1);
      this.active.set(fault, sum >= 1 ? sum - 1 : sum);
      if (sum < 1) continue;
      this.hits += 1;
      return fault;
    }
    return undefined;
  }
}

function matches(fault: Fault, target: FaultTarget): boolean {
  return (fault.shadow ?? false) === target.shadow
    && (fault.endpointName === undefined || fault.endpointName === target.endpointName)
    && (fault.modelName === undefined || fault.modelName === target.modelName)
    && (fault.modelNameContains === undefined || target.modelName.includes(fault.modelNameContains))
    && (fault.endpointConfigNameContains === undefined || target.configName.includes(fault.endpointConfigNameContains));
}
