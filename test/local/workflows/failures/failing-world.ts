import { rmSync } from 'fs';
import { DeleteEndpointCommand, DeleteEndpointConfigCommand, DeleteModelCommand, ListEndpointConfigsCommand, ListModelsCommand } from '@aws-sdk/client-sagemaker';
import { approve } from './approver';
import { FailingApp, Says, SAYS } from './failing-apps';
import { forgetGood, forgetVersions, goodReleases } from './failing-ledger';
import { Execution } from '../../../../examples/local/cloud/executions';
import { Interfered, Interference } from '../../../../examples/local/cloud/interference';
import { Lambda } from '../../../../examples/local/cloud/lambda';
import { StepFunctions } from '../../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../../examples/local/cloud/types';
import { VersionItem } from '../line-view';
import { LineWorld } from '../line-world';

/** Whoever is to see to it by then has seen to it. */
const LONGEST_HOURS = 100;
/** A release line at rest that does nothing for so long will do nothing more. */
const PATIENCE_HOURS = 26;
/** What comes to pass by the clock alone has come to pass by then. */
const REST_HOURS = 7;

/** What the world is like at a moment. */
export interface Snapshot {
  readonly config?: string;
  readonly champion?: string;
  /** The stage of each version. */
  readonly stages: ReadonlyMap<string, string>;
  /** Configs that are kept to go back to. */
  readonly kept: readonly string[];
  readonly executions: number;
  readonly failedRequests: number;
}

/** A bug of a version's, as `line-image` has it. */
export type Bug = 'none' | 'skew' | 'start' | 'start again';

/** How a version differs from the others. */
export interface Release {
  readonly bug?: Bug;
  /** What the hooks make of it. */
  readonly says?: Says;
  /** Whether no other version has its image. */
  readonly ownImage?: boolean;
}

/** A release line on which failures are played, one after the other. */
export class FailingWorld {
  static async start(app: FailingApp): Promise<FailingWorld> {
    const world = new FailingWorld(await LineWorld.start(app.build));
    try {
      Object.assign(world.line.traffic, { level: 5, requests: 1 });
      await world.line.publish({ level: 5 });
      for (const bug of ['none', 'skew', 'start', 'start again'] as const) await world.candidate(bug);
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  private readonly candidates = new Map<Bug, JsonObject>();
  private serial = 0;

  private constructor(readonly line: LineWorld) {}

  get steps(): StepFunctions {
    return this.line.cloud.find(StepFunctions);
  }

  stop(): Promise<void> {
    return this.line.stop();
  }

  /** Registers a version that is like the first one with this bug, which was trained. */
  async register({ bug = 'none', says = 'proceed', ownImage = false }: Release = {}): Promise<string> {
    if (bug === 'start again') rmSync(this.marker, { force: true });
    const candidate = await this.candidate(bug);
    const commit = `d${this.serial += 1}`;
    const imageUri = ownImage ? `${this.line.out.Repository}:${commit}` : String(candidate.imageUri);
    this.line.cloud.images.set(imageUri, this.line.cloud.images.get(String(candidate.imageUri))!);
    const execution = await this.line.start(this.arnOf('RegistryRegistration'), {
      ...candidate,
      run: `run-${this.serial}`,
      commit,
      imageUri,
      author: 'Ada Lovelace <ada@example.com>',
      evaluation: { ...candidate.evaluation as JsonObject, itemCount: SAYS[says] },
    });
    await this.line.cloud.clock.busy(execution.ended);
    if (execution.output === undefined) throw new Error(`not registered: ${JSON.stringify(execution.describe())}`);
    return String((JSON.parse(execution.output) as JsonObject).version);
  }

  /** ARN of the state machine whose logical id is this name and a hash. */
  arnOf(name: string): string {
    const all = [...this.line.cloud.resources.values()].filter(({ resource }) => resource.type === 'AWS::StepFunctions::StateMachine')
      .map(({ resource, deployed }) => ({ name: resource.logicalId.replace(/[0-9A-F]{8}$/, ''), ref: deployed.ref }));
    const found = all.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no state machine ${name}, only ${all.map((each) => each.name).join(', ')}`);
    return found.ref;
  }

  /** The other way round. */
  nameOf(arn: string): string {
    const found = [...this.line.cloud.resources.values()].find(({ deployed }) => deployed.ref === arn);
    return found?.resource.logicalId.replace(/[0-9A-F]{8}$/, '') ?? arn;
  }

  interfere(machineName: string, interference: Omit<Interference, 'machineArn'>): Interfered & { end(): void } {
    return this.steps.interfere({ ...interference, machineArn: this.arnOf(machineName) });
  }

  /** Executions of a part of the line that are under way. */
  running(name?: string): Execution[] {
    return [...this.steps.executions.values()].filter(({ status, machine }) => status === 'RUNNING' && (name === undefined || machine.arn === this.arnOf(name)));
  }

  /** Executions since a snapshot. */
  since({ executions }: Snapshot): Execution[] {
    return [...this.steps.executions.values()].slice(executions);
  }

  /** Executions of a part of the line that have not ended well since a snapshot. */
  broken(name: string, before: Snapshot): Execution[] {
    return this.since(before).filter(({ status, machine }) => !['RUNNING', 'SUCCEEDED'].includes(status) && machine.arn === this.arnOf(name));
  }

  async snapshot(): Promise<Snapshot> {
    const [endpoint, champion, versions] = [await this.line.endpoint(), await this.line.champion(), await this.line.versions()];
    return {
      config: endpoint?.config,
      champion,
      stages: new Map(versions.map(({ version, stage }) => [version, stage])),
      kept: await goodReleases(this.line),
      executions: this.steps.executions.size,
      failedRequests: this.line.traffic.counts.failed,
    };
  }

  /** Lets time go by, with requests where somebody may ask, until nothing is under way and nothing waits. */
  async settle(during: () => Promise<void> = async () => undefined): Promise<void> {
    const { clock } = this.line.cloud;
    const [asks, limit] = [(await this.line.endpoint())?.status === 'InService', this.line.in(LONGEST_HOURS)];
    let busy = clock.now();
    await clock.settle();
    while (clock.now() < limit) {
      if (this.running().length > 0) busy = clock.now();
      else if (await this.isDecided() || clock.now().getTime() - busy.getTime() > PATIENCE_HOURS * 3_600_000) break;
      await during();
      await approve(this);
      if (asks) await this.line.traffic.send();
      const moves = (): boolean => this.running('Release').length > 0;
      const [moving, step] = [moves(), (moves() ? 10 : 60) * 60_000];
      const next = new Date((Math.floor(clock.now().getTime() / step) + 1) * step);
      // nobody misses the beginning of a move
      if (moving || !await clock.advanceUntil(moves, next)) await clock.advanceTo(next);
    }
    await clock.settle();
  }

  /** Lets the line rest until something begins by the clock alone, and that end. */
  async rest(): Promise<void> {
    await this.line.cloud.clock.advanceUntil(() => this.running().length > 0, this.line.in(REST_HOURS));
    await this.settle();
  }

  /** Whether nothing waits, and each version has come to its end. */
  private async isDecided(): Promise<boolean> {
    return (await this.line.queue()).length === 0 && (await this.line.versions()).every(({ stage }) => !['Registered', 'Staging', 'Canary'].includes(stage));
  }

  /** Takes the model out of production by hand, and what is kept of it: the next release is like the first. */
  async retire(): Promise<void> {
    const { line } = this;
    const champion = await line.champion();
    if (champion === undefined) return;
    await forgetGood(line);
    await line.sagemaker.send(new DeleteEndpointCommand({ EndpointName: line.out.Endpoint }));
    await line.until(async () => await line.endpoint() === undefined);
    const time = line.cloud.clock.now().toISOString();
    await this.line.cloud.find(Lambda).invoke(line.out.Lifecycle, {
      version: champion, stage: 'Archived', reason: 'retired', time,
    });
    for (const name of await this.hosted()) {
      await line.sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: name })).catch(() => undefined);
      await line.sagemaker.send(new DeleteModelCommand({ ModelName: name })).catch(() => undefined);
    }
    await line.news();
  }

  /** Names of all endpoint configs and models. */
  async hosted(): Promise<string[]> {
    const { EndpointConfigs } = await this.line.sagemaker.send(new ListEndpointConfigsCommand({ MaxResults: 100 }));
    const { Models } = await this.line.sagemaker.send(new ListModelsCommand({ MaxResults: 100 }));
    return [...(EndpointConfigs ?? []).map(({ EndpointConfigName }) => EndpointConfigName ?? ''), ...(Models ?? []).map(({ ModelName }) => ModelName ?? '')];
  }

  /** Forgets what ended long ago, so that the last of many runs takes as long as the first. */
  async forget(): Promise<void> {
    await forgetVersions(this.line);
    for (const [arn, { status }] of this.steps.executions) if (status !== 'RUNNING') this.steps.executions.delete(arn);
  }

  /** Versions that are new since, or in another stage. */
  async changed({ stages }: Snapshot): Promise<VersionItem[]> {
    return (await this.line.versions()).filter(({ version, stage }) => stages.get(version) !== stage);
  }

  private get marker(): string {
    return `${this.line.cloud.folders.temp}/started`;
  }

  /** What the training of a version with this bug hands over to the registry. */
  private async candidate(bug: Bug): Promise<JsonObject> {
    const known = this.candidates.get(bug);
    if (known) return known;
    await this.line.merge(bug === 'none' ? {} : { bug: bug === 'start again' ? `${bug}:${this.marker}` : bug });
    const [input] = this.line.executions(this.arnOf('RegistryRegistration')).slice(-1).map((execution) => JSON.parse(execution.input) as JsonObject);
    this.candidates.set(bug, input);
    await this.settle();
    await this.line.news();
    if (bug === 'start again') rmSync(this.marker, { force: true });
    return input;
  }
}
