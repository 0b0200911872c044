import { DynamoDBClient, GetItemCommand, TransactionCanceledException, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import {
  candidate, clearLedger, Death, WriterDied, dropLedger, mortalWorld, newLedger, registerWhole, scan, soundVersions, TIME,
} from './ledger-world';
import { compareVersions, parseVersion } from '../../src/domain/model-version';
import { allocateVersion } from '../../src/registry/allocation';
import { LedgerClient, readVersion } from '../../src/registry/ledger-io';
import { abandonVersion, Ledger, registerPackage } from '../../src/registry/package-registration';
import { recordRejection } from '../../src/registry/rejection';
import { Ministack, startMinistack } from '../support/ministack';
import { ModelPackages } from '../support/model-packages';

let ministack: Ministack;
let ledger: Ledger & { client: DynamoDBClient };

beforeAll(async () => {
  ministack = await startMinistack();
  ledger = await newLedger(new DynamoDBClient({ ...ministack.client, maxAttempts: 1 }));
});
afterAll(async () => {
  ledger.client.destroy();
  await ministack.stop();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await clearLedger(ledger);
});

const allocate = (run: string, origin = {}) => allocateVersion(ledger.client, ledger.table, candidate(run, origin), TIME);
/** A stream of numbers from 0 to 1 that is the same in every run. */
const numbers = (seed: number) => () => {
  seed = (seed * 16807) % 2147483647;
  return seed / 2147483647;
};

describe('one writer', () => {
  test('walks the version rule', async () => {
    const walk = [
      ['a', {}], ['a', { dataset: 'data-2' }], ['b', { dataset: 'data-2' }], ['b', { dataset: 'data-3' }], ['b', { dataset: 'data-4' }],
      ['c', { tag: 'lag' }], ['a', { dataset: 'data-4' }], ['a', { dataset: 'data-4' }],
    ] as const;
    const given = [];
    for (const [i, [commit, rest]] of walk.entries()) given.push(await allocate(`run-${i}`, { commit, ...rest }));
    expect(given.map(({ version, cause, created }) => `${version} ${cause} ${created}`)).toEqual([
      'V1.0.0 manual true', 'V1.0.1 auto true', 'V1.1.0 manual true', 'V1.1.1 auto true', 'V1.1.2 auto true',
      'Vlag.0.0 manual true', 'V1.2.0 manual true', 'V1.2.0 manual false',
    ]);
    await soundVersions(ledger);
  });

  test('gets the same answer for a run, whatever happened since', async () => {
    const first = await allocate('run-1', { commit: 'a' });
    const same = await allocate('run-2', { commit: 'a' });
    await allocate('run-3', { commit: 'b' });
    expect(await allocate('run-1', { commit: 'a' })).toEqual(first);
    expect(await allocate('run-2', { commit: 'a' })).toEqual(same);
    expect(same).toEqual({ version: 'V1.0.0', cause: 'manual', created: false });
    expect(await soundVersions(ledger)).toHaveLength(2);
  });

  test('a new tag starts at .0.0 and counts for itself', async () => {
    await allocate('run-1', { commit: 'a' });
    await allocate('run-2', { commit: 'b' });
    expect((await allocate('run-3', { commit: 'b', tag: 'boosted' })).version).toBe('Vboosted.0.0');
    expect((await allocate('run-4', { commit: 'c' })).version).toBe('V1.2.0');
    await soundVersions(ledger);
  });
});

describe('64 writers at once', () => {
  test('with a commit each: 64 numbers, none twice, none missing', async () => {
    const given = await Promise.all(Array.from({ length: 64 }, (_, i) => allocate(`run-${i}`)));
    const versions = given.map(({ version }) => parseVersion(version)).sort(compareVersions);
    expect(versions).toEqual(Array.from({ length: 64 }, (_, manual) => ({ tag: '1', manual, auto: 0 })));
    expect(given.every(({ created }) => created)).toBe(true);
    await soundVersions(ledger);
  });

  test('with the same commit and dataset: one number', async () => {
    const given = await Promise.all(Array.from({ length: 64 }, (_, i) => allocate(`run-${i}`, { commit: 'a' })));
    expect(new Set(given.map(({ version }) => version))).toEqual(new Set(['V1.0.0']));
    expect(given.filter(({ created }) => created)).toHaveLength(1);
    expect(await soundVersions(ledger)).toHaveLength(1);
  });

  test('with repeated and duplicated calls over three tags: one number a run', async () => {
    const random = numbers(7);
    const runs = Array.from({ length: 64 }, (_, i) => ({
      run: `run-${i}`, commit: `c${Math.floor(random() * 12)}`, dataset: `d${Math.floor(random() * 3)}`, tag: ['1', 'lag', 'boosted'][Math.floor(random() * 3)],
    }));
    const calls = [...runs, ...runs.filter((_, i) => i % 2 === 0), ...runs.filter((_, i) => i % 3 === 0)];
    const given = await Promise.all(calls.map(({ run, ...origin }) => allocate(run, origin)));
    const answers = new Map<string, Set<string>>();
    given.forEach(({ version, created }, i) => {
      const { run } = calls[i];
      answers.set(run, (answers.get(run) ?? new Set()).add(`${version} ${created}`));
    });
    expect([...answers.values()].map(({ size }) => size)).toEqual(runs.map(() => 1));
    const records = await soundVersions(ledger);
    expect(records.length).toBeGreaterThan(20);
    expect((await scan(ledger)).filter(({ pk }) => String(pk).startsWith('RUN#'))).toHaveLength(64);
    // each run got a version of its own commit and dataset
    const byVersion = new Map(records.map((record) => [record.version, record]));
    given.forEach(({ version }, i) => {
      const { run: _, ...origin } = calls[i];
      expect(byVersion.get(version)).toMatchObject(origin);
    });
  });
});

describe('a writer that dies', () => {
  /** Number of calls of an undisturbed registration. */
  const callsOfOne = async () => {
    const world = mortalWorld(ledger, new ModelPackages(), Infinity, 'before');
    let calls = 0;
    const counted = <T extends { send: unknown }>(client: T): T => {
      const real = client.send as (command: object) => Promise<object>;
      return { send: (command: object) => { calls += 1; return real.call(client, command); } } as unknown as T;
    };
    const packages = Object.create(world.packages) as ModelPackages;
    Object.defineProperty(packages, 'client', { value: counted(world.packages.client) });
    await registerWhole({ client: counted(ledger.client), table: ledger.table }, packages, candidate('count'));
    await clearLedger(ledger);
    return calls;
  };

  test.each<[Death, 'remembered' | 'forgotten']>([['before', 'remembered'], ['after', 'remembered'], ['after', 'forgotten']])(
    '%s any of its calls leaves no duplicate, gap or reuse; its retry finishes the same version (client tokens %s)', async (death, tokens) => {
      const calls = await callsOfOne();
      expect(calls).toBeGreaterThanOrEqual(8);
      for (let dieAt = 1; dieAt <= calls; dieAt += 1) {
        const packages = new ModelPackages();
        await registerWhole(ledger, packages, candidate('earlier'));
        const world = mortalWorld(ledger, packages, dieAt, death);
        await expect(registerWhole(world.ledger, world.packages, candidate('mortal'))).rejects.toThrow(WriterDied);
        await soundVersions(ledger);
        const inBetween = (await scan(ledger)).find(({ pk }) => pk === 'RUN#mortal')?.version;

        if (tokens === 'forgotten') packages.forgetTokens();
        const later = await registerWhole(ledger, packages, candidate('later'));
        const retried = await registerWhole(ledger, packages, candidate('mortal'));

        expect(retried.created).toBe(true);
        // a number that was given before the death stays with its run; else the next writer came first
        expect([later.version, retried.version]).toEqual(inBetween === undefined ? ['V1.1.0', 'V1.2.0'] : ['V1.2.0', 'V1.1.0']);
        if (inBetween !== undefined) expect(retried.version).toBe(inBetween);
        const records = await soundVersions(ledger);
        expect(records.map(({ status }) => status)).toEqual(['registered', 'registered', 'registered']);
        expect(packages.versions().sort()).toEqual(['V1.0.0', 'V1.1.0', 'V1.2.0']);
        expect(new Set(records.map(({ modelPackageArn }) => modelPackageArn)).size).toBe(3);
        expect((await scan(ledger)).find(({ sk }) => sk === 'REGISTERED')).toMatchObject({ version: 'V1.2.0', order: 3 });
        await clearLedger(ledger);
      }
    });

  test('for ever: the next run of the same commit and dataset finishes its version and tells of it', async () => {
    const calls = await callsOfOne();
    for (let dieAt = 1; dieAt <= calls; dieAt += 1) {
      const packages = new ModelPackages();
      const told: string[] = [];
      const world = mortalWorld(ledger, packages, dieAt, 'after');
      await expect(registerWhole(world.ledger, world.packages, candidate('mortal', { commit: 'a' }), (version) => told.push(version))).rejects.toThrow(WriterDied);
      const given = await registerWhole(ledger, packages, candidate('heir', { commit: 'a' }), (version) => told.push(version));
      expect(given.version).toBe('V1.0.0');
      const [record] = await soundVersions(ledger);
      expect(record).toMatchObject({ status: 'registered', announcedAt: TIME });
      expect(packages.versions()).toEqual(['V1.0.0']);
      // the package is what the record says, whichever of the two made it
      expect(packages.packages[0].InferenceSpecification?.Containers?.[0]?.ModelDataUrl).toBe(record.modelDataUrl);
      expect(new Set(told)).toEqual(new Set(['V1.0.0']));
      await clearLedger(ledger);
    }
  });

  test('among 64 that all die now and then and come back: every run ends with its own version', async () => {
    const packages = new ModelPackages();
    const random = numbers(11);
    const persistent = async (run: string) => {
      for (let life = 0; ; life += 1) {
        const dieAt = life < 6 ? 1 + Math.floor(random() * 14) : Infinity;
        const world = mortalWorld(ledger, packages, dieAt, random() < 0.5 ? 'before' : 'after');
        try {
          return await registerWhole(world.ledger, world.packages, candidate(run));
        } catch (error) {
          if (!(error instanceof WriterDied)) throw error;
        }
      }
    };
    const given = await Promise.all(Array.from({ length: 64 }, (_, i) => persistent(`run-${i}`)));
    expect(new Set(given.map(({ version }) => version)).size).toBe(64);
    const records = await soundVersions(ledger);
    expect(records).toHaveLength(64);
    expect(records.every(({ status }) => status === 'registered')).toBe(true);
    expect(packages.versions()).toHaveLength(64);
    expect((await scan(ledger)).find(({ sk }) => sk === 'REGISTERED')).toMatchObject({ version: 'V1.63.0', order: 64 });
  });
});

describe('a writer that is overtaken', () => {
  /** Lets `other` happen just before the first call that `when` picks. */
  const overtaken = (when: (command: object) => boolean, other: () => Promise<unknown>): LedgerClient => {
    let done = false;
    const send = async (command: object): Promise<object> => {
      if (!done && when(command)) {
        done = true;
        await other();
      }
      return ledger.client.send(command as TransactWriteItemsCommand);
    };
    return { send } as LedgerClient;
  };
  const readsCounter = (command: object) => command instanceof GetItemCommand && command.input.Key?.sk.S === 'ALLOCATED';
  const writes = (command: object) => command instanceof TransactWriteItemsCommand;

  test.each([['between its reads', readsCounter], ['before it writes', writes]])('by another commit %s decides anew', async (_, when) => {
    await allocate('first', { commit: 'a' });
    const client = overtaken(when, () => allocate('faster', { commit: 'b' }));
    // new data for commit a was an automatic revision of V1.0.0; after commit b it is a change of commit
    const given = await allocateVersion(client, ledger.table, candidate('slower', { commit: 'a', dataset: 'data-2' }), TIME);
    expect(given).toEqual({ version: 'V1.2.0', cause: 'manual', created: true });
    await soundVersions(ledger);
  });

  test('does not answer with a version that is not the last any more', async () => {
    await allocate('first', { commit: 'a' });
    const client = overtaken(writes, () => allocate('faster', { commit: 'b' }));
    expect((await allocateVersion(client, ledger.table, candidate('slower', { commit: 'a' }), TIME)).version).toBe('V1.2.0');
    await soundVersions(ledger);
  });

  test('by a copy of itself answers as the copy', async () => {
    const client = overtaken(writes, () => allocate('twin', { commit: 'a' }));
    expect((await allocateVersion(client, ledger.table, candidate('twin', { commit: 'a' }), TIME))).toMatchObject({ version: 'V1.0.0', created: true });
    expect(await soundVersions(ledger)).toHaveLength(1);
  });

  test('while it enters its package: a later version stays the last registered', async () => {
    const packages = new ModelPackages();
    await allocate('slower');
    const isLast = (command: object) => command instanceof UpdateItemCommand && command.input.Key?.sk.S === 'REGISTERED';
    const client = overtaken(isLast, () => registerWhole(ledger, packages, candidate('faster')));
    await registerPackage({ client, table: ledger.table }, { client: packages.client, group: 'Temperature' }, 'V1.0.0');
    expect((await scan(ledger)).find(({ sk }) => sk === 'REGISTERED')).toMatchObject({ version: 'V1.1.0', order: 2 });
    expect((await soundVersions(ledger)).map(({ status }) => status)).toEqual(['registered', 'registered']);
  });
});

describe('writers that meet', () => {
  const conflicting = (codes: string[], times: number): { client: LedgerClient; tries: () => number } => {
    let tries = 0;
    const send = async (command: object): Promise<object> => {
      if (command instanceof TransactWriteItemsCommand && (tries += 1) <= times) {
        throw new TransactionCanceledException({ message: 'cancelled', $metadata: {}, CancellationReasons: codes.map((Code) => ({ Code })) });
      }
      return ledger.client.send(command as TransactWriteItemsCommand);
    };
    return { client: { send } as LedgerClient, tries: () => tries };
  };

  test.each([[['TransactionConflict', 'None']], [['None', 'ConditionalCheckFailed', 'TransactionConflict']], [['ThrottlingError', 'None']]])(
    'try again after %j', async (codes) => {
      jest.spyOn(Math, 'random').mockReturnValue(0);
      const { client, tries } = conflicting(codes, 5);
      expect((await allocateVersion(client, ledger.table, candidate('run-1'), TIME)).version).toBe('V1.0.0');
      expect(tries()).toBe(6);
    });

  test('give up in the end, by name, with nothing written', async () => {
    jest.spyOn(Math, 'random').mockReturnValue(0);
    const { client, tries } = conflicting(['TransactionConflict'], Infinity);
    await expect(allocateVersion(client, ledger.table, candidate('run-1'), TIME)).rejects.toMatchObject({
      name: 'LedgerContended', message: expect.stringContaining('run run-1'),
    });
    expect(tries()).toBe(60);
    expect(await scan(ledger)).toEqual([]);
  });

  test('fail at once where no retry helps', async () => {
    const { client, tries } = conflicting(['ValidationError', 'None'], Infinity);
    await expect(allocateVersion(client, ledger.table, candidate('run-1'), TIME)).rejects.toThrow(TransactionCanceledException);
    expect(tries()).toBe(1);
  });

  test('pause at random, longer each time', async () => {
    const pauses: number[] = [];
    jest.spyOn(Math, 'random').mockReturnValue(1);
    jest.spyOn(global, 'setTimeout').mockImplementation((callback, pause) => {
      pauses.push(pause ?? 0);
      return setImmediate(callback) as unknown as NodeJS.Timeout;
    });
    const { client } = conflicting(['TransactionConflict'], 8);
    await allocateVersion(client, ledger.table, candidate('run-1'), TIME);
    expect(pauses.filter((pause) => pause >= 40 && pause <= 1000).slice(0, 8)).toEqual([40, 80, 160, 320, 640, 1000, 1000, 1000]);
  });
});

describe('a number whose package cannot be made', () => {
  const group = (packages: ModelPackages) => ({ client: packages.client, group: 'Temperature' });

  test('is given up with the reason, is not given again, and does not stop the next', async () => {
    const packages = new ModelPackages();
    const { version } = await allocate('run-1', { commit: 'a', imageUri: 'missing' });
    await expect(registerPackage(ledger, group(packages), version)).rejects.toThrow('the image does not exist');
    await abandonVersion(ledger, version, 'run-1', 'the image does not exist', TIME);
    await abandonVersion(ledger, version, 'run-1', 'again', TIME);
    expect(await readVersion(ledger.client, ledger.table, version)).toMatchObject({
      status: 'abandoned', stage: 'Rejected', reason: 'the model package could not be made: the image does not exist', history: [{ stage: 'Registered' }, { stage: 'Rejected' }],
    });
    await expect(registerPackage(ledger, group(packages), version)).rejects.toMatchObject({ name: 'VersionAbandoned' });
    expect((await allocate('run-2', { commit: 'b' })).version).toBe('V1.1.0');
    await soundVersions(ledger);
  });

  test('is taken up by the next run of the same commit and dataset, with that run\'s model', async () => {
    const packages = new ModelPackages();
    await allocate('run-1', { commit: 'a', imageUri: 'missing', sampleUri: 's3://old' });
    await abandonVersion(ledger, 'V1.0.0', 'run-1', 'the image does not exist', TIME);
    const given = await Promise.all(['run-2', 'run-3'].map((run) => allocate(run, { commit: 'a' })));
    expect(given.map(({ version }) => version)).toEqual(['V1.0.0', 'V1.0.0']);
    expect(given.filter(({ created }) => created)).toHaveLength(1);
    // the run that gave it up has no say any more
    await abandonVersion(ledger, 'V1.0.0', 'run-1', 'late', TIME);
    const record = await registerPackage(ledger, group(packages), 'V1.0.0');
    expect(record).toMatchObject({ status: 'registered', attempt: 1, order: 1, imageUri: 'images:abc' });
    expect(record.sampleUri).toBeUndefined();
    expect(packages.versions()).toEqual(['V1.0.0']);
    await soundVersions(ledger);
  });
});

describe('a rejected candidate', () => {
  const rejection = { run: 'run-1', commit: 'a', dataset: 'd', stage: 'gate', reason: 'RMSE 12 exceeds the limit of 9' };

  test('takes no number and leaves one record with the reason', async () => {
    const recorded = await Promise.all(Array.from({ length: 8 }, () => recordRejection(ledger, rejection, TIME)));
    expect(new Set(recorded.map(({ reason }) => reason)).size).toBe(1);
    await recordRejection(ledger, { ...rejection, reason: 'another' }, '2026-01-02T00:00:00Z');
    const items = (await scan(ledger)).filter(({ pk }) => pk === 'REJECTED');
    expect(items).toEqual([{ pk: 'REJECTED', sk: `${TIME}#run-1`, ...rejection, time: TIME }]);
    expect((await allocate('run-2', { commit: 'b' })).version).toBe('V1.0.0');
    await soundVersions(ledger);
  });

  test('cannot be registered by the same run afterwards', async () => {
    await recordRejection(ledger, rejection, TIME);
    await expect(allocate('run-1')).rejects.toMatchObject({ name: 'RunAlreadyRejected', message: expect.stringContaining('RMSE 12') });
  });

  test('is refused where the run\'s version is registered', async () => {
    await registerWhole(ledger, new ModelPackages(), candidate('run-1'));
    await expect(recordRejection(ledger, rejection, TIME)).rejects.toMatchObject({ name: 'RunAlreadyRegistered', message: expect.stringContaining('V1.0.0') });
    expect((await scan(ledger)).filter(({ pk }) => pk === 'REJECTED')).toEqual([]);
  });

  test('gives up the number that its run got and could not use', async () => {
    await allocate('run-1');
    await recordRejection(ledger, rejection, TIME);
    expect(await soundVersions(ledger)).toMatchObject([{ status: 'abandoned', stage: 'Rejected' }]);
    expect((await scan(ledger)).filter(({ pk }) => pk === 'REJECTED')).toHaveLength(1);
  });
});

test('the ledger goes with its table', async () => {
  const other = await newLedger(ledger.client);
  expect((await allocateVersion(other.client, other.table, candidate('run-1'), TIME)).version).toBe('V1.0.0');
  await dropLedger(other);
});
