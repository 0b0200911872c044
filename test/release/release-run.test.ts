import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { FakeLedger } from './fake-ledger';
import { CanaryRelease } from '../../src/release/canary-release';
import { handler as recover, RecoverEvent } from '../../src/release/recover-release.lambda';
import { handler as keep, SlotEvent } from '../../src/release/release-slot.lambda';
import { ReleaseWorkflow } from '../../src/release/release-workflow';
import { DeployEvent, handler as deploy } from '../../src/staging/deploy.lambda';
import { namesFor } from '../../src/staging/hosting-plan';
import { ShadowStaging } from '../../src/staging/shadow-staging';
import { FakeHosting } from '../staging/fake-hosting';
import { importedEndpoint, importedRegistry } from '../staging/imported';
import { allStates, AwsTaskError, definitionsOf, Json, Run, run, Task } from '../staging/machine-runner';

const machines = definitionsOf((stack) => {
  const registry = importedRegistry(stack);
  const endpoint = importedEndpoint(stack);
  new ReleaseWorkflow(stack, 'Releases', {
    registry, staging: new ShadowStaging(stack, 'Staging', { endpoint, registry }), release: new CanaryRelease(stack, 'Release', { endpoint, registry }),
  });
}).map(({ definition }) => definition);
const release = machines.filter(({ States }) => States.RunStaging !== undefined)[0];
const recovery = machines.filter(({ States }) => States.Inspect !== undefined)[0];
const { releaseMachineArn } = (recovery.States.TakeOver as unknown as { Parameters: { releaseMachineArn: string } }).Parameters;

const sfn = mockClient(SFNClient);
const machine = 'arn:aws:states:eu-central-1:111122223333:execution:releases';
const packageOf = (version: string) => `arn:aws:sagemaker:eu-central-1:111122223333:model-package/temperature/${version}`;
let hosting: FakeHosting;
let ledger: FakeLedger;
let previous: string;
let events: { DetailType: string; Detail: { [member: string]: Json } }[];
/** What staging and release answer. */
let answers: { staging: Json; release: 'production' | 'rolled-back' };

function move(config: string): string {
  hosting.configs.set(config, { ...hosting.configs.get(previous)!, EndpointConfigName: config });
  hosting.endpoints.set('temperature', { status: 'InService', config, polls: 0 });
  return config;
}

const puts: Task = (parameters) => { events.push(...(parameters as unknown as { Entries: typeof events }).Entries); };
const lifecycle: Task = (input) => {
  ledger.move(input as { version: string; stage: string });
  return { account: 'as it went' };
};

function standIns(change: Record<string, Task> = {}): Record<string, Task> {
  const slot: Task = (input) => keep(input as unknown as SlotEvent);
  const tasks: Record<string, Task> = {
    RunStaging: () => ({ Output: answers.staging }),
    RunRelease: (input) => {
      const { Input: { version }, Name, StateMachineArn } = input as { Input: { version: string }; Name: string; StateMachineArn: string };
      const before = hosting.endpoints.get('temperature')?.config ?? null;
      const endpointConfigName = answers.release === 'production' ? move(namesFor('temperature', version, `${StateMachineArn}:${Name}`).endpointConfig) : before;
      return { Output: { outcome: answers.release, reason: 'as it went', version, endpointConfigName, previousConfigName: before, previousVersion: ledger.get('CHAMPION', 'PRODUCTION')?.version ?? null } };
    },
    Recover: async (input) => {
      const { Input } = input as { Input: Json };
      const outcome = await runRecovery(Input, change);
      if (outcome.error !== undefined) throw new AwsTaskError('States.TaskFailed', outcome.error.cause);
      return { Output: outcome.output ?? null };
    },
  };
  for (const name of ['JoinQueue', 'AcquireSlot', 'Complete', 'RolledBack', 'Rejected', 'FreeSlot', 'Conclude']) tasks[name] = slot;
  for (const name of ['Supersede', 'EnterStaging', 'EnterCanary', 'EnterProduction', 'ArchivePrevious', 'Reject', 'RejectBeforeShadow', 'RejectBeforePromotion', 'TakeBack', 'EnterProductionAgain']) tasks[name] = lifecycle;
  for (const name of ['TellCompleted', 'TellAgain', 'TellRejected', 'TellRolledBack', 'TellSuperseded', 'TellDue']) tasks[name] = puts;
  for (const name of ['TakeOver', 'Inspect', 'NoteRecreation', 'StopChildren', 'RemoveAlarms']) tasks[name] = (input) => recover(input as unknown as RecoverEvent);
  for (const name of ['RestoreLastGood', 'RemoveFailed', 'CreateAnew', 'RemoveEndpoint', 'RemoveRelease', 'RemoveShadow', 'RemoveStaging']) tasks[name] = (input) => deploy(input as unknown as DeployEvent);
  tasks.DescribeLastGood = tasks.DescribeAnew = () => hosting.describe('temperature');
  // what is kept of good releases has tests of its own
  tasks.Retain = () => ({ orders: [], images: [] });
  for (const name of ['RemoveImage', 'ForgetOld']) tasks[name] = () => ({});
  for (const name of ['ScaleLastGood', 'ScaleAnew']) tasks[name] ??= (input) => deploy(input as unknown as DeployEvent);
  return { ...tasks, ...change };
}
const only = (definition: typeof release, tasks: Record<string, Task>) =>
  Object.fromEntries(Object.entries(tasks).filter(([name]) => allStates(definition)[name] !== undefined));
const runRecovery = (input: Json, change: Record<string, Task> = {}): Promise<Run> =>
  run(recovery, input, only(recovery, standIns(change)), () => '2013-07-01T00:10:00.000Z', `${machine}:recovery`);
const play = (version: string, change: Record<string, Task> = {}, name = 'run-1'): Promise<Run> => run(
  release, { model: 'Temperature', version, modelPackageArn: packageOf(version), cause: 'auto' }, only(release, standIns(change)), () => '2013-07-01T00:10:00.000Z', `${machine}:${name}`);

const servedBy = (version: string) => expect.stringMatching(new RegExp(`^[0-9a-f]{8}-temperature-${version.replace(/\./g, '-')}-[0-9a-f]{8}$`));
const types = () => events.map(({ DetailType }) => DetailType);
const slotIsFree = () => expect(ledger.get('RELEASE', 'SLOT')).toBeUndefined();
const fails: Task = () => { throw new AwsTaskError('SomeServiceException', 'no luck'); };

beforeEach(() => {
  hosting = new FakeHosting();
  ledger = new FakeLedger();
  previous = hosting.serving('temperature', 'V1.0.0');
  ledger.register('V1.0.0', 1, 'Production');
  ledger.put({ pk: 'CHAMPION', sk: 'PRODUCTION', version: 'V1.0.0' });
  ledger.register('V1.0.1', 2);
  ledger.register('V1.0.2', 3);
  ledger.register('V1.0.3', 4);
  events = [];
  answers = { staging: { decision: 'promote', reason: 'better' }, release: 'production' };
  sfn.on(StopExecutionCommand).rejects(new AwsTaskError('ExecutionDoesNotExist', 'it was never started'));
});
afterEach(() => {
  hosting.restore();
  ledger.restore();
  sfn.reset();
});

describe('a release, as synthesized', () => {
  test('goes through staging and canary to production', async () => {
    expect((await play('V1.0.1')).error).toBeUndefined();
    expect(ledger.stages).toEqual(['V1.0.1 Staging', 'V1.0.1 Canary', 'V1.0.1 Production', 'V1.0.0 Archived']);
    expect(events).toEqual([expect.objectContaining({
      DetailType: 'ReleaseCompleted',
      Detail: { endpoint: 'temperature', version: 'V1.0.1', previous: 'V1.0.0', endpointConfigName: servedBy('V1.0.1'), time: '2013-07-01T00:10:00.000Z' },
    })]);
    expect(ledger.get('RELEASE', 'LASTGOOD')).toMatchObject({ configName: servedBy('V1.0.1'), version: 'V1.0.1' });
    expect(ledger.get('CHAMPION', 'PRODUCTION')).toMatchObject({ version: 'V1.0.1' });
    slotIsFree();
  });

  test('passes staging also where nothing is in production', async () => {
    hosting.endpoints.clear();
    ledger.items.delete('CHAMPION/PRODUCTION');
    const { trail } = await play('V1.0.1');
    expect(trail).toContain('RunStaging');
    expect(ledger.stages).toEqual(['V1.0.1 Staging', 'V1.0.1 Canary', 'V1.0.1 Production']);
    expect(events[0].Detail).not.toHaveProperty('previous');
    slotIsFree();
  });

  test.each(['reject', 'inconclusive'])('ends with the verdict %s as a rejection', async (decision) => {
    answers.staging = { decision, reason: 'not good enough' };
    const { trail } = await play('V1.0.1');
    expect(trail).not.toContain('RunRelease');
    expect(ledger.stages).toEqual(['V1.0.1 Staging', 'V1.0.1 Rejected']);
    expect(types()).toEqual(['ReleaseRejected']);
    slotIsFree();
  });

  test('tells of a rollback in the canary', async () => {
    answers.release = 'rolled-back';
    await play('V1.0.1');
    expect(ledger.stages).toEqual(['V1.0.1 Staging', 'V1.0.1 Canary', 'V1.0.1 RolledBack']);
    expect(events).toEqual([expect.objectContaining({
      DetailType: 'ReleaseRolledBack', Detail: expect.objectContaining({ version: 'V1.0.1', restored: 'V1.0.0', endpointConfigName: previous, reason: 'as it went' }),
    })]);
    slotIsFree();
  });

  test('lets versions wait while one is under way; then the newest goes and older ones are superseded', async () => {
    const waited: Run[] = [];
    await play('V1.0.1', {
      RunStaging: async () => {
        waited.push(await play('V1.0.3', {}, 'run-3'), await play('V1.0.2', {}, 'run-2'));
        return { Output: answers.staging };
      },
    });
    expect(waited.map(({ trail }) => trail.at(-1))).toEqual(['Waiting', 'Waiting']);
    expect(types()).toEqual(['ReleaseCompleted', 'ReleaseDue']);
    expect(events[1].Detail).toMatchObject({ model: 'Temperature', version: 'V1.0.3', modelPackageArn: packageOf('V1.0.3') });
    await play('V1.0.3', {}, 'run-4');
    expect(ledger.stages.slice(4)).toEqual(['V1.0.2 Superseded', 'V1.0.3 Staging', 'V1.0.3 Canary', 'V1.0.3 Production', 'V1.0.1 Archived']);
    expect([...ledger.items.keys()].filter((key) => key.includes('WAITING'))).toEqual([]);
    slotIsFree();
  });

  test('whoever gets the slot releases the newest that waits, not itself', async () => {
    ledger.put({ pk: 'RELEASE', sk: 'WAITING#000000000004', version: 'V1.0.3', modelPackageArn: packageOf('V1.0.3'), order: 4 });
    await play('V1.0.1');
    expect(ledger.stages.slice(0, 2)).toEqual(['V1.0.1 Superseded', 'V1.0.3 Staging']);
    expect(ledger.get('CHAMPION', 'PRODUCTION')).toMatchObject({ version: 'V1.0.3' });
  });

  test('an event that comes twice releases once', async () => {
    await play('V1.0.1');
    const { trail } = await play('V1.0.1', {}, 'run-2');
    expect(trail.at(-1)).toBe('NothingToRelease');
    expect(types()).toEqual(['ReleaseCompleted']);
    let meanwhile: Run | undefined;
    await play('V1.0.2', {
      EnterStaging: async () => {
        meanwhile = await play('V1.0.2', {}, 'run-4');
      },
    }, 'run-3');
    expect(meanwhile?.trail.at(-1)).toBe('NothingToRelease');
  });

  test('a version that is older than the one in production is superseded', async () => {
    await play('V1.0.3');
    await play('V1.0.2', {}, 'run-2');
    expect(ledger.stages.at(-1)).toBe('V1.0.2 Superseded');
    slotIsFree();
  });

  const steps = Object.entries(allStates(release)).filter(([name, { Type }]) => Type === 'Task' && name !== 'Recover').map(([name]) => name);
  const before = ['AcquireSlot', 'EnterStaging', 'RunStaging', 'EnterCanary', 'RunRelease', 'EnterProduction', 'ArchivePrevious', 'Complete'];

  test.each(before)('goes back to the last good version where %s fails for good', async (name) => {
    const { error, output } = await play('V1.0.1', { [name]: fails });
    expect(output).toBeUndefined();
    expect(error).toBeDefined();
    expect(hosting.endpoints.get('temperature')).toMatchObject({ status: 'InService', config: previous });
    slotIsFree();
    if (name === 'AcquireSlot') return;
    expect(ledger.get('VERSION', 'V1.0.1')?.stage).toBe('Rejected');
    expect(ledger.get('VERSION', 'V1.0.0')?.stage).toBe('Production');
    expect(ledger.get('CHAMPION', 'PRODUCTION')?.version).toBe('V1.0.0');
    expect(types()).toEqual(['ReleaseRolledBack']);
    expect(events[0].Detail.reason).toMatch(/did not end by itself: SomeServiceException: no luck/);
    answers.staging = { decision: 'promote', reason: 'better' };
    expect((await play('V1.0.2', {}, 'run-2')).error).toBeUndefined();
  });

  test.each(steps)('is not harmed where %s is interrupted after its effect', async (name) => {
    if (['RolledBack', 'TakeBack', 'TellRolledBack'].includes(name)) answers.release = 'rolled-back';
    if (['Reject', 'Rejected'].includes(name)) answers.staging = { decision: 'reject', reason: 'worse' };
    if (['Supersede', 'TellDue'].includes(name)) ledger.put({ pk: 'RELEASE', sk: 'WAITING#000000000001', version: 'V1.0.0', modelPackageArn: 'x', order: 1 });
    const tasks = standIns();
    let times = 0;
    const { error } = await play('V1.0.1', {
      [name]: async (input) => {
        const done = await tasks[name](input);
        if ((times += 1) === 1 && !name.startsWith('Run')) throw new AwsTaskError('Lambda.Unknown', 'the connection was lost');
        return done;
      },
    });
    expect(error).toBeUndefined();
    slotIsFree();
    expect(ledger.get('VERSION', 'V1.0.1')?.stage).toBe(answers.release === 'rolled-back' ? 'RolledBack' : name.startsWith('Reject') ? 'Rejected' : 'Production');
  });

  test('the outcome stands where the next version cannot be called', async () => {
    ledger.put({ pk: 'RELEASE', sk: 'WAITING#000000000001', version: 'V1.0.0', modelPackageArn: 'x', order: 1 });
    expect((await play('V1.0.1', { TellDue: fails })).error).toBeUndefined();
    slotIsFree();
  });

  test.each([
    ['TellCompleted', 'Production', 'ReleaseCompleted'],
    ['TellRolledBack', 'RolledBack', 'ReleaseRolledBack'],
    ['TellRejected', 'Rejected', 'ReleaseRejected'],
  ])('the outcome stands where %s cannot be done, and the recovery tells of it', async (name, stage, type) => {
    if (name === 'TellRolledBack') answers.release = 'rolled-back';
    if (name === 'TellRejected') answers.staging = { decision: 'reject', reason: 'worse' };
    expect((await play('V1.0.1', { [name]: fails })).error).toBeDefined();
    expect(ledger.get('VERSION', 'V1.0.1')?.stage).toBe(stage);
    expect(types()).toEqual([type]);
    slotIsFree();
  });

  test('a completed release is not undone where the slot cannot be freed at once', async () => {
    let times = 0;
    const tasks = standIns();
    const { error } = await play('V1.0.1', {
      FreeSlot: (input) => {
        if ((times += 1) <= 6) throw new AwsTaskError('SomeServiceException', 'no luck');
        return tasks.FreeSlot(input);
      },
    });
    expect(error).toBeDefined();
    expect(hosting.endpoints.get('temperature')?.config).toEqual(servedBy('V1.0.1'));
    expect(ledger.get('VERSION', 'V1.0.1')?.stage).toBe('Production');
    slotIsFree();
  });
});

describe('the recovery, as synthesized', () => {
  const execution = `${machine}:run-1`;
  const abort = async (version: string) => {
    await keep({ action: 'join', table: 'ledger', time: '2013-07-01T00:00:00.000Z', input: { version, modelPackageArn: packageOf(version) } });
    const answer = await keep({ action: 'acquire', table: 'ledger', endpointName: 'temperature', execution, time: '2013-07-01T00:00:00.000Z', input: { version, modelPackageArn: packageOf(version) } });
    return answer.slot!;
  };

  test('does nothing for an execution that holds no slot', async () => {
    expect((await runRecovery({ execution: `${machine}:other`, reason: 'ABORTED' })).trail.at(-1)).toBe('NothingToRecover');
    await abort('V1.0.1');
    expect((await runRecovery({ execution: `${machine}:other`, reason: 'ABORTED' })).trail.at(-1)).toBe('NothingToRecover');
    expect(ledger.get('RELEASE', 'SLOT')).toBeDefined();
  });

  test('stops what was started, restores the endpoint, tidies up, and calls the next', async () => {
    const slot = await abort('V1.0.1');
    sfn.on(StopExecutionCommand).resolves({});
    await play('V1.0.2', {}, 'run-2');
    const { output } = await runRecovery({ execution, reason: 'its execution is ABORTED' }, {
      Inspect: async (input) => {
        const found = await recover(input as unknown as RecoverEvent) as
          { releaseConfig: string; releaseModel: string; stagingEndpoint: string; alarmNames: string[] };
        expect(found.releaseConfig).toMatch(/^[0-9a-f]{8}-temperature-V1-0-1-[0-9a-f]{8}$/);
        hosting.endpoints.set(found.stagingEndpoint, { status: 'InService', config: found.stagingEndpoint, polls: 0 });
        hosting.configs.set(found.stagingEndpoint, { EndpointConfigName: found.stagingEndpoint, ProductionVariants: [] });
        move(found.releaseConfig);
        hosting.models.set(found.releaseModel, {});
        found.alarmNames.forEach((name) => hosting.alarms.set(name, { StateValue: 'OK' }));
        return found;
      },
    });
    expect(output).toBeDefined();
    expect(sfn.commandCalls(StopExecutionCommand).map((call) => call.args[0].input.executionArn?.split(':').pop())).toEqual([slot.stagingName, slot.releaseName]);
    expect(hosting.endpoints.get('temperature')?.config).toBe(previous);
    expect([...hosting.endpoints.keys()]).toEqual(['temperature']);
    expect([...hosting.configs.keys()]).toEqual([previous]);
    expect([...hosting.models.keys()]).toEqual([previous]);
    expect(hosting.alarms.size).toBe(0);
    expect(ledger.stages).toEqual(['V1.0.1 Rejected']);
    expect(types()).toEqual(['ReleaseRolledBack', 'ReleaseDue']);
    slotIsFree();
  });

  test('removes an endpoint that its first release left behind', async () => {
    hosting.endpoints.clear();
    const { releaseName } = await abort('V1.0.1');
    move(namesFor('temperature', 'V1.0.1', `${releaseMachineArn.replace(':stateMachine:', ':execution:')}:${releaseName}`).endpointConfig);
    await runRecovery({ execution, reason: 'its execution is TIMED_OUT' });
    expect(hosting.endpoints.size).toBe(0);
    expect(ledger.stages).toEqual(['V1.0.1 Rejected']);
    slotIsFree();
  });

  test('leaves the endpoint alone where somebody else has moved it', async () => {
    await abort('V1.0.1');
    move('foreign');
    await runRecovery({ execution, reason: 'its execution is ABORTED' });
    expect(hosting.endpoints.get('temperature')?.config).toBe('foreign');
    slotIsFree();
  });

  test('takes the last good config where the endpoint was found with a shadow on it', async () => {
    ledger.put({ pk: 'RELEASE', sk: 'LASTGOOD', configName: previous, version: 'V1.0.0' });
    hosting.configs.set('left-shadow', { ...hosting.configs.get(previous)!, ShadowProductionVariants: [{}] });
    hosting.endpoints.set('temperature', { status: 'InService', config: 'left-shadow', polls: 0 });
    expect((await abort('V1.0.1')).lastGood).toMatchObject({ configName: previous });
  });

  test.each(['TakeOver', 'StopChildren', 'Inspect', 'RestoreLastGood', 'Reject', 'Conclude', 'FreeSlot', 'DescribeLastGood'])(
    'fails where %s does, and can be started again', async (name) => {
      await abort('V1.0.1');
      expect((await runRecovery({ execution, reason: 'ABORTED' }, { [name]: fails })).error).toBeDefined();
      expect((await runRecovery({ execution, reason: 'ABORTED' })).error).toBeUndefined();
      slotIsFree();
    });

  test('keeps the slot until somebody was told', async () => {
    await abort('V1.0.1');
    expect((await runRecovery({ execution, reason: 'ABORTED' }, { TellRolledBack: fails })).error).toBeDefined();
    expect(ledger.get('RELEASE', 'SLOT')?.concluded).toBe('rolled back');
    expect((await runRecovery({ execution: String(ledger.get('RELEASE', 'SLOT')?.execution), reason: 'FAILED' }, { TellAgain: fails })).error).toBeDefined();
    expect(types()).toEqual([]);
    expect((await runRecovery({ execution: String(ledger.get('RELEASE', 'SLOT')?.execution), reason: 'FAILED' })).error).toBeUndefined();
    expect(types()).toEqual(['ReleaseRolledBack']);
    slotIsFree();
  });

  test.each(['RemoveAlarms', 'RemoveStaging', 'RemoveShadow', 'RemoveRelease'])('goes on where %s fails', async (name) => {
    await abort('V1.0.1');
    expect((await runRecovery({ execution, reason: 'ABORTED' }, { [name]: fails })).error).toBeUndefined();
    slotIsFree();
  });
});
