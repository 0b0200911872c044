import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { candidate, clearLedger, WriterDied, mortalWorld, newLedger, registerWhole, scan } from './ledger-world';
import { LIFECYCLE_STAGES, StageChange } from '../../src/domain/ledger';
import { readVersion } from '../../src/registry/ledger-io';
import { Ledger } from '../../src/registry/package-registration';
import { changeStage } from '../../src/registry/stage-change';
import { Ministack, startMinistack } from '../support/ministack';
import { ModelPackages } from '../support/model-packages';

let ministack: Ministack;
let ledger: Ledger & { client: DynamoDBClient };
let packages: ModelPackages;

beforeAll(async () => {
  ministack = await startMinistack();
  ledger = await newLedger(new DynamoDBClient({ ...ministack.client, maxAttempts: 1 }));
});
afterAll(async () => {
  ledger.client.destroy();
  await ministack.stop();
});
beforeEach(async () => {
  await clearLedger(ledger);
  packages = new ModelPackages();
  for (const run of ['one', 'two']) await registerWhole(ledger, packages, candidate(run));
});

const hour = (n: number) => new Date(Date.UTC(2026, 1, 1, n)).toISOString();
const move = (version: string, stage: StageChange['stage'], time: string, rest: Partial<StageChange> = {}) =>
  changeStage(ledger, { client: packages.client }, version, { stage, reason: `because ${stage}`, time, ...rest });
const champion = async () => (await scan(ledger)).find(({ pk }) => pk === 'CHAMPION')?.version;
const record = async (version: string) => readVersion(ledger.client, ledger.table, version);

test('a version\'s way to production and out of it, in the ledger and on the package', async () => {
  await move('V1.0.0', 'Production', hour(1));
  await move('V1.1.0', 'Staging', hour(2));
  await move('V1.1.0', 'Canary', hour(3), { reason: 'not worse by more than 2 % (ratio 0.9), 412 pairs', detail: { pairs: 412, upper: -0.25 } });
  expect(await champion()).toBe('V1.0.0');
  expect(packages.packages[1]).toMatchObject({
    ModelApprovalStatus: 'Approved',
    ApprovalDescription: 'V1.1.0 is being released: not worse by more than 2 % (ratio 0.9), 412 pairs. Made of commit commit-of-two and dataset data-1 (new commit). '
      + 'Gate passed on 100 rows of the holdout: RMSE 2, no champion to compare with. No verdict on real requests.',
    ModelLifeCycle: { Stage: 'Canary', StageStatus: 'InProgress', StageDescription: 'not worse by more than 2 % (ratio 0.9), 412 pairs' },
    CustomerMetadataProperties: { version: 'V1.1.0', stage: 'Canary', stageSince: hour(3), verdict: 'not worse by more than 2 percent ratio 0.9 412 pairs' },
  });
  await move('V1.1.0', 'Production', hour(4));
  await move('V1.0.0', 'Archived', hour(4));

  expect(await champion()).toBe('V1.1.0');
  const { history, stage, reason } = (await record('V1.1.0'))!;
  expect({ stage, reason }).toEqual({ stage: 'Production', reason: 'because Production' });
  expect(history.map((each) => each.stage)).toEqual(['Registered', 'Staging', 'Canary', 'Production']);
  expect(history[2]).toMatchObject({ time: hour(3), detail: { pairs: 412, upper: -0.25 } });
  expect((await record('V1.0.0'))?.stage).toBe('Archived');
});

test('ledger and package tell the same account of every stage', async () => {
  for (const [i, stage] of LIFECYCLE_STAGES.entries()) {
    const { account } = await move('V1.0.0', stage, hour(i + 1), { reason: `reason ${i}` });
    expect(account).toContain(`: reason ${i}. Made of commit `);
    expect((await record('V1.0.0'))?.account).toBe(account);
    expect(packages.packages[0]).toMatchObject({ ApprovalDescription: account, ModelLifeCycle: { Stage: stage } });
  }
});

test('a rollback gives production back', async () => {
  await move('V1.0.0', 'Production', hour(1));
  await move('V1.1.0', 'Production', hour(2));
  await move('V1.1.0', 'RolledBack', hour(3));
  expect(await champion()).toBeUndefined();
  await move('V1.0.0', 'Production', hour(3));
  expect(await champion()).toBe('V1.0.0');
  expect(packages.packages[1]).toMatchObject({ ModelApprovalStatus: 'Rejected', ModelLifeCycle: { Stage: 'RolledBack', StageStatus: 'Failed' } });
});

test('the same change twice is one change; one that comes late changes nothing that is newer', async () => {
  await move('V1.0.0', 'Production', hour(1));
  await move('V1.0.0', 'Production', hour(1));
  await move('V1.1.0', 'Production', hour(5));
  await move('V1.0.0', 'Production', hour(1));
  expect((await record('V1.0.0'))?.history).toHaveLength(2);
  await move('V1.0.0', 'Production', hour(4));
  await move('V1.1.0', 'Archived', hour(4));
  expect(await champion()).toBe('V1.1.0');
});

test('times are compared as times, however they are written', async () => {
  await move('V1.0.0', 'Production', '2026-02-01T05:00:00Z');
  await move('V1.1.0', 'Production', '2026-02-01T05:00:00.500+00:00');
  await move('V1.0.0', 'Production', '2026-02-01T05:59:00+01:00');
  expect(await champion()).toBe('V1.1.0');
});

test.each(['before', 'after'] as const)('a change that dies %s any of its calls is finished by its retry', async (death) => {
  for (let dieAt = 1; dieAt <= 4; dieAt += 1) {
    const world = mortalWorld(ledger, packages, dieAt, death);
    const change: StageChange = { stage: 'Production', reason: 'first release', time: hour(dieAt) };
    await expect(changeStage(world.ledger, { client: world.packages.client }, 'V1.0.0', change)).rejects.toThrow(WriterDied);
    await changeStage(ledger, { client: packages.client }, 'V1.0.0', change);
    expect((await record('V1.0.0'))?.history).toHaveLength(1 + dieAt);
    expect(await champion()).toBe('V1.0.0');
    expect(packages.packages[0].CustomerMetadataProperties).toMatchObject({ stage: 'Production', stageSince: hour(dieAt) });
  }
});

test('each stage has its meaning for the package', async () => {
  const approvals: Record<string, string | undefined> = {};
  for (const [i, stage] of LIFECYCLE_STAGES.entries()) {
    await move('V1.0.0', stage, hour(i));
    approvals[stage] = packages.packages[0].ModelApprovalStatus;
  }
  expect(approvals).toEqual({
    Registered: 'Approved',
    Staging: 'Approved',
    Canary: 'Approved',
    Production: 'Approved',
    Archived: 'Approved',
    Rejected: 'Rejected',
    Superseded: 'PendingManualApproval',
    RolledBack: 'Rejected',
  });
});

test('fails on a version that the ledger does not know', async () => {
  await expect(move('V9.0.0', 'Staging', hour(1))).rejects.toMatchObject({ name: 'UnknownVersion', message: expect.stringContaining('V9.0.0') });
  expect((await scan(ledger)).some(({ sk }) => sk === 'V9.0.0')).toBe(false);
});
