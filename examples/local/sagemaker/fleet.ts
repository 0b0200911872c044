import { CaptureWriter } from './data-capture';
import { EndpointConfig, Variant } from './endpoint-configs';
import { Faults } from './faults';
import { ModelAnswer, ModelServer, ModelServers } from './model-server';
import { Model } from './models';
import { Cloud } from '../cloud/types';
import { CloudWatch } from '../cloudwatch/cloudwatch';
import { Series } from '../cloudwatch/metric-store';

/** A request to a model, and what comes with it. */
export interface Invocation {
  readonly body: Buffer;
  readonly contentType: string;
  readonly headers: Record<string, string>;
  readonly inferenceId?: string;
}

export interface FleetOptions {
  readonly cloud: Cloud;
  readonly cloudWatch: CloudWatch;
  readonly servers: ModelServers;
  readonly faults: Faults;
  readonly endpointName: string;
  readonly config: EndpointConfig;
  readonly variant: Variant;
  readonly model: Model;
  readonly shadow: boolean;
}

const METRICS = {
  Invocations: 'None',
  Invocation4XXErrors: 'None',
  Invocation5XXErrors: 'None',
  InvocationModelErrors: 'None',
  ModelLatency: 'Microseconds',
  OverheadLatency: 'Microseconds',
} as const;
type MetricName = keyof typeof METRICS;

/** The instances of one variant of one endpoint config at one endpoint. */
export class Fleet {
  instanceCount: number;
  weight: number;
  private readonly metrics = new Map<MetricName, Series[]>();
  private readonly perInstance: Series;
  private readonly capture?: CaptureWriter;
  private server?: ModelServer;
  private inFlight = 0;
  private drained: (() => void)[] = [];

  constructor(readonly options: FleetOptions) {
    const { cloud, cloudWatch, config, endpointName, variant, model } = options;
    this.instanceCount = variant.instanceCount;
    this.weight = variant.weight;
    const both = { EndpointName: endpointName, VariantName: variant.name };
    for (const name of Object.keys(METRICS) as MetricName[]) {
      // Old and new fleet together, and each by its config.
      this.metrics.set(name, [both, { ...both, EndpointConfigName: config.name }]
        .map((dimensions) => cloudWatch.series('AWS/SageMaker', name, dimensions, METRICS[name])));
    }
    this.perInstance = cloudWatch.series('AWS/SageMaker', 'InvocationsPerInstance', both);
    if (config.capture) this.capture = new CaptureWriter(cloud, config.capture, endpointName, variant.name, model.roleArn);
  }

  async start(): Promise<void> {
    this.server = await this.options.servers.acquire(this.options.model, this.options.variant.startupSeconds);
  }

  /** Asks the model; counts, measures and captures. Answers with the model's status, also where that is an error. */
  async invoke(invocation: Invocation, received: number): Promise<ModelAnswer> {
    const { cloud } = this.options;
    const at = cloud.clock.now();
    this.inFlight += 1;
    try {
      const asked = performance.now();
      const answer = await this.ask(invocation);
      const answered = performance.now();
      this.measure(at.getTime(), answer.status, (answered - asked) * 1000, (asked - received) * 1000);
      const contentType = String(answer.headers['content-type'] ?? 'application/octet-stream');
      // Only answers are captured; what SageMaker captures of a failed request is not documented.
      if (answer.status < 300) {
        this.capture?.record({
          at, inferenceId: invocation.inferenceId, input: invocation, output: { contentType, body: answer.body },
        });
      }
      return answer;
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.drained.splice(0).forEach((tell) => tell());
    }
  }

  /** Ends the fleet once its last request is answered. */
  async retire(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => this.drained.push(resolve));
    await this.flush();
    if (this.server !== undefined) await this.options.servers.release(this.options.model);
    this.server = undefined;
  }

  async flush(): Promise<void> {
    await this.capture?.flush();
  }

  private async ask({ body, contentType, headers }: Invocation): Promise<ModelAnswer> {
    const { faults, endpointName, config, model, shadow } = this.options;
    const fault = faults.next({ endpointName, configName: config.name, modelName: model.name, shadow });
    if (fault?.kind === 'error') return failed(500, 'injected fault');
    if (fault?.kind === 'latency') await new Promise((resolve) => setTimeout(resolve, fault.milliseconds ?? 200));
    if (this.server === undefined) return failed(503, 'the fleet is not running');
    try {
      return await this.server.invoke(body, { ...headers, 'content-type': contentType });
    } catch (error) {
      return failed(500, (error as Error).message);
    }
  }

  private measure(at: number, status: number, model: number, overhead: number): void {
    const add = (name: MetricName, value: number): void => {
      for (const series of this.metrics.get(name) ?? []) series.add(at, value);
    };
    add('Invocations', 1);
    add('Invocation4XXErrors', status >= 400 && status < 500 ? 1 : 0);
    add('Invocation5XXErrors', status >= 500 ? 1 : 0);
    add('InvocationModelErrors', status < 200 || status > 299 ? 1 : 0);
    add('ModelLatency', Math.round(model));
    add('OverheadLatency', Math.max(0, Math.round(overhead)));
    this.perInstance.add(at, 1 / this.instanceCount);
  }
}

const failed = (status: number, text: string): ModelAnswer => ({ status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(text) });

/** The fleets of one endpoint config at one endpoint. */
export class Generation {
  readonly production: Fleet[];
  readonly shadow?: Fleet;
  private carried = 0;

  constructor(readonly config: EndpointConfig, make: (variant: Variant, shadow: boolean) => Fleet) {
    this.production = config.production.map((variant) => make(variant, false));
    this.shadow = config.shadow && make(config.shadow, true);
  }

  get fleets(): Fleet[] {
    return this.shadow ? [...this.production, this.shadow] : this.production;
  }

  async start(): Promise<void> {
    const started = await Promise.allSettled(this.fleets.map(async (fleet) => fleet.start()));
    const problem = started.find((result) => result.status === 'rejected');
    if (problem === undefined) return;
    await this.retire();
    throw problem.reason;
  }

  async retire(): Promise<void> {
    await Promise.all(this.fleets.map(async (fleet) => fleet.retire()));
  }

  /** Whether the next request is copied to the shadow: its weight relative to the production variant's, spread evenly. */
  mirrors(): Fleet | undefined {
    if (this.shadow === undefined) return undefined;
    const weight = this.production[0].weight;
    this.carried += weight === 0 ? 0 : Math.min(1, this.shadow.weight / weight);
    if (this.carried < 1 - 1e-9) return undefined;
    this.carried -= 1;
    return this.shadow;
  }
}
