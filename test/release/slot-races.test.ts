import { DynamoDBClient, PutItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeEndpointCommand, DescribeEndpointConfigCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { Killed, Stage } from './one-at-a-time';
import { JsonObject, toItem } from '../../src/domain/attribute-values';
import { VersionRecord } from '../../src/domain/ledger';
import { handler as moveVersion, StageChangeEvent } from '../../src/registry/change-stage.lambda';
import { Fence, requireSlot } from '../../src/registry/fence';
import { Ledger } from '../../src/registry/package-registration';
import { handler as reconcile } from '../../src/release/reconcile-releases.lambda';
import { handler as undo, RecoverEvent, TakenOver, Wreck } from '../../src/release/recover-release.lambda';
import { handler as keepSlot, SlotAnswer, SlotEvent } from '../../src/release/release-slot.lambda';
import { candidate, clearLedger, dropLedger, newLedger, scan, TIME } from '../registry/ledger-world';
import { Ministack, startMinistack } from '../support/ministack';

const HOUR = 3_600_000;
const MACHINES = { stagingMachineArn: 'arn:aws:states:r:1:stateMachine:staging', releaseMachineArn: 'arn:aws:states:r:1:stateMachine:canary' };
const sagemaker = mockClient(SageMakerClient);
const states = mockClient(SFNClient);
const bridge = mockClient(EventBridgeClient);
const before = { ...process.env };
let ministack: Ministack;
let ledger: Ledger & { client: DynamoDBClient };

beforeAll(async () => {
  ministack = await startMinistack();
  const { credentials, region, endpoint } = ministack.client;
  ledger = await newLedger(new DynamoDBClient(ministack.client));
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    LEDGER_TABLE: ledger.table,
  });
});
afterAll(async () => {
  await dropLedger(ledger);
  ledger.client.destroy();
  await ministack.stop();
  process.env = before;
  for (const each of [sagemaker, states, bridge]) each.restore();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await clearLedger(ledger);
});

/** A line of releases of which only the slot is real: executions run one call at a time, in an order that the seed gives. */
class Line {
  readonly stage: Stage;
  readonly status = new Map<string, string>();
  readonly served: string[] = [];
  /** Versions that were said never to be released. */
  readonly passedOver = new Set<string>();
  /** Recoveries that lost the slot while they were at it. */
  disturbed = 0;
  /** What the endpoint is on. */
  private config: string | null = null;
  private hours = 0;
  private executions = 0;

  constructor(seed: number, private readonly deaths: number) {
    this.stage = new Stage(seed);
    states.reset();
    states.on(DescribeExecutionCommand).callsFake(({ executionArn }: { executionArn: string }) => ({ status: this.status.get(executionArn) }));
    states.on(StopExecutionCommand).resolves({});
    const started = ({ input }: { input: string }): void => this.recovery(JSON.parse(input) as { execution: string; reason: string });
    states.on(StartExecutionCommand).callsFake(started);
    sagemaker.on(DescribeEndpointCommand).callsFake(() => {
      if (this.config === null) throw new Error('Could not find endpoint');
      return { EndpointStatus: 'InService', EndpointConfigName: this.config };
    });
    sagemaker.on(DescribeEndpointConfigCommand).resolves({});
    bridge.on(PutEventsCommand).callsFake(({ Entries: [{ DetailType, Detail }] }: { Entries: { DetailType: string; Detail: string }[] }) => {
      if (DetailType === 'ReleaseDue') this.release((JSON.parse(Detail) as { version: string }).version);
      return {};
    });
  }

  // handlers, as Lambda runs them: one call of each at a time for an execution
  private readonly keep = (event: SlotEvent): Promise<SlotAnswer> => this.stage.within(() => keepSlot(event));
  private readonly recover = (event: RecoverEvent): ReturnType<typeof undo> => this.stage.within(() => undo(event));
  private readonly changeStage = (event: StageChangeEvent): ReturnType<typeof moveVersion> => this.stage.within(() => moveVersion(event));

  get time(): string {
    return new Date(this.hours * HOUR).toISOString();
  }

  private execution(kind: string, body: (execution: string) => Promise<void>): void {
    const execution = `arn:aws:states:r:1:execution:${kind}:${this.executions += 1}`;
    this.status.set(execution, 'RUNNING');
    this.stage.enter(async () => {
      try {
        await body(execution);
        this.status.set(execution, 'SUCCEEDED');
      } catch (error) {
        this.status.set(execution, error instanceof Killed ? 'ABORTED' : 'FAILED');
        const lost = (error as Error).name === 'SlotLost';
        if (!(error instanceof Killed) && !lost) throw error;
        if (lost && kind === 'recovery') this.disturbed += 1;
        // the event of its end, which may get lost
        if (kind === 'release' && this.stage.random() < 0.5) this.recovery({ execution, reason: 'it ended' });
      }
    }, this.stage.random() < this.deaths ? 1 + Math.floor(this.stage.random() * 30) : Infinity);
  }

  release(version: string): void {
    const { table } = ledger;
    const endpointName = 'line';
    const { keep, changeStage } = this;
    this.execution('release', async (execution) => {
      const input = { version, modelPackageArn: version };
      await keep({ action: 'join', table, time: this.time, input });
      const { status, slot, superseded = [], fence = null } = await keep({ action: 'acquire', table, endpointName, execution, time: this.time, input });
      for (const { version: older } of superseded) this.passedOver.add(older);
      for (const older of superseded) await changeStage({ ...older, stage: 'Superseded', once: true, fence, time: this.time });
      if (status !== 'acquired') return;
      const move = (to: string) => changeStage({ version: slot!.version, stage: to, reason: 'on its way', fence, time: this.time });
      await move('Staging');
      this.perhapsUndone(execution);
      await this.serve(fence, `config-${slot!.version}`);
      await move('Production');
      this.perhapsUndone(execution);
      const released = { version: slot!.version, endpointConfigName: `config-${slot!.version}`, previousVersion: null };
      await keep({ action: 'complete', table, endpointName, execution, time: this.time, released });
      this.served.push(slot!.version);
      await this.free(execution);
    });
  }

  /** An operator may have a release undone that is under way: it goes on, and must not do any harm. */
  private perhapsUndone(execution: string): void {
    if (this.stage.random() < this.deaths / 2) this.recovery({ execution, reason: 'the operator says so' });
  }

  private recovery(input: { execution: string; reason: string }): void {
    const { table } = ledger;
    const { keep, changeStage, recover } = this;
    this.execution('recovery', async (by) => {
      const taken = await recover({ action: 'takeOver', table, by, input, ...MACHINES }) as TakenOver;
      if (taken.status === 'nothing') return;
      const { fence } = taken;
      if (taken.status === 'broken') {
        await this.stage.outlast();
        const wreck = await recover({ action: 'inspect', fence: fence!, endpointName: 'line', ...MACHINES }) as Wreck;
        for (const older of wreck.superseded) await changeStage({ ...older, stage: 'Superseded', once: true, fence, time: this.time });
        if (wreck.endpoint === 'restore' || wreck.endpoint === 'remove') await this.serve(fence!, wreck.lastGood);
        await changeStage({ version: wreck.version, stage: 'Rejected', reason: 'undone', once: true, fence, time: this.time });
        if (wreck.restored !== null) await changeStage({ version: wreck.restored, stage: 'Production', reason: 'again', fence, time: this.time });
        await keep({ action: 'takenBack', table, endpointName: 'line', execution: by, time: this.time, reason: 'undone' });
      }
      await this.free(by);
    });
  }

  /** What the deploy handler does. */
  private serve(fence: Fence | null, config: string | null): Promise<void> {
    return this.stage.within(async () => {
      await requireSlot(fence);
      this.config = config;
    });
  }

  private async free(execution: string): Promise<void> {
    const { next } = await this.keep({ action: 'free', table: ledger.table, execution });
    // its turn is told by an event, which may get lost
    if (next !== null && next !== undefined && this.stage.random() < 0.7) this.release(next.version);
  }

  /** Plays everything to its end, with a look every hour, until there is nothing left to do. */
  async play(): Promise<number> {
    for (let looks = 1; ; looks += 1) {
      await this.stage.play();
      this.hours += 1;
      const { found } = await reconcile({
        action: 'reconcile', recoveryArn: 'recovery', everyMinutes: 60, table: ledger.table, model: 'Line', endpointName: 'line', eventBusName: 'default', time: this.time,
      });
      if (found === 'nothing') return looks;
      if (looks === 40) throw new Error(`still ${found} after ${looks} looks`);
    }
  }
}

async function register(versions: readonly string[]): Promise<void> {
  for (const [i, version] of versions.entries()) {
    await ledger.client.send(new PutItemCommand({
      TableName: ledger.table,
      Item: toItem({
        ...JSON.parse(JSON.stringify(candidate(`run-${i}`))) as JsonObject, cause: 'manual', pk: 'VERSION', sk: version, version, order: i + 1, status: 'registered', stage: 'Registered', history: [], createdAt: new Date(0).toISOString(),
      }),
    }));
  }
}

const VERSIONS = ['V1.0.0', 'V1.1.0', 'V1.2.0', 'V1.3.0'];

test.each([
  ['none of them dies', 0, 8],
  ['half of them die at any of their calls', 0.5, 12],
  ['most of them die', 0.8, 8],
])('releases whose calls come in any order end with every version decided, and one at a time; %s', async (_, deaths, runs) => {
  let most = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    await register(VERSIONS);
    const line = new Line(seed * 7919, deaths);
    // the event of one version in four is lost from the start
    VERSIONS.forEach((version, i) => i % 4 === seed % 4 ? undefined : line.release(version));
    most = Math.max(most, await line.play());

    const items = await scan(ledger);
    expect(items.filter(({ pk, sk }) => pk === 'RELEASE' && /^(SLOT|WAITING)/.test(String(sk)))).toEqual([]);
    const records = items.filter(({ pk }) => pk === 'VERSION') as unknown as VersionRecord[];
    for (const { version, history } of records.sort((a, b) => a.order - b.order)) {
      // each was decided, once, and nothing came after that
      const stages = history.map(({ stage }) => stage).join(' ');
      expect(`${version} ${stages}`).toMatch(/^\S+ (Superseded|(Staging )?(Production )?Rejected|Staging( Production)+)$/);
      if (line.passedOver.has(version)) expect(stages).toBe('Superseded');
      if (line.served.includes(version)) expect(stages).toMatch(/^Staging( Production)+$/);
    }
    expect(line.disturbed).toBe(0);
    // no version is released after a newer one that serves, and none twice
    expect(line.served).toEqual([...new Set(line.served)].sort());
    if (deaths === 0) expect(line.served.at(-1)).toBe(seed % 4 === 3 && !line.served.includes('V1.3.0') ? 'V1.2.0' : 'V1.3.0');
    await clearLedger(ledger);
  }
  expect(most).toBeLessThan(40);
});

test('an execution that a whole release has overtaken takes the slot for nobody', async () => {
  await register(['V1.0.0']);
  const { table } = ledger;
  sagemaker.on(DescribeEndpointCommand).rejects(new Error('Could not find endpoint'));
  const ask = (execution: string) => keepSlot({
    action: 'acquire', table, endpointName: 'line', execution, time: TIME, input: { version: 'V1.0.0', modelPackageArn: 'V1.0.0' },
  });
  await keepSlot({ action: 'join', table, time: TIME, input: { version: 'V1.0.0', modelPackageArn: 'V1.0.0' } });
  const real = DynamoDBClient.prototype.send as (this: DynamoDBClient, command: object) => Promise<object>;
  let overtaken = false;
  jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(async function (this: DynamoDBClient, command: object) {
    // the slow one has looked at the queue, and is about to take the slot
    if (command instanceof TransactWriteItemsCommand && !overtaken) {
      overtaken = true;
      const { fence } = await ask('quick');
      await moveVersion({ version: 'V1.0.0', stage: 'Rejected', reason: 'worse', fence, time: TIME });
      await keepSlot({ action: 'free', table, execution: 'quick' });
    }
    return real.call(this, command);
  } as never);
  expect(await ask('slow')).toMatchObject({ status: 'ignored' });
  expect(overtaken).toBe(true);
  expect((await scan(ledger)).filter(({ pk }) => pk === 'RELEASE')).toEqual([]);
});

test('a release that is taken over while it stands still changes nothing when it goes on, and hands on what it had to tell', async () => {
  await register(VERSIONS);
  const { table } = ledger;
  sagemaker.on(DescribeEndpointCommand).rejects(new Error('Could not find endpoint'));
  for (const version of VERSIONS) await keepSlot({ action: 'join', table, time: TIME, input: { version, modelPackageArn: version } });
  const asked = { action: 'acquire', table, endpointName: 'line', time: TIME, input: { version: 'V1.0.0', modelPackageArn: 'V1.0.0' } } as const;
  const { fence = null, slot } = await keepSlot({ ...asked, execution: 'slow' });
  expect(slot?.version).toBe('V1.3.0');
  const taken = await undo({ action: 'takeOver', table, by: 'recovery', input: { execution: 'slow', reason: 'taken' }, ...MACHINES }) as TakenOver;
  expect(taken.status).toBe('broken');

  const found = await scan(ledger);
  const lost = { name: 'SlotLost' };
  await expect(moveVersion({ version: 'V1.3.0', stage: 'Production', reason: 'late', fence, time: TIME })).rejects.toMatchObject(lost);
  await expect(keepSlot({
    action: 'complete', table, endpointName: 'line', execution: 'slow', time: TIME, released: { version: 'V1.3.0', endpointConfigName: 'c', previousVersion: null },
  })).rejects.toMatchObject(lost);
  await expect(keepSlot({ action: 'takenBack', table, endpointName: 'line', execution: 'slow', time: TIME, reason: 'late' })).rejects.toMatchObject(lost);
  await keepSlot({ action: 'free', table, execution: 'slow' });
  expect(await scan(ledger)).toEqual(found);
  expect(await keepSlot({ ...asked, execution: 'slow' })).toMatchObject({ status: 'ignored' });

  const wreck = await undo({ action: 'inspect', fence: taken.fence!, endpointName: 'line', ...MACHINES }) as Wreck;
  expect(wreck.superseded.map(({ version }) => version)).toEqual(['V1.0.0', 'V1.1.0', 'V1.2.0']);
});
