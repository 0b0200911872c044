import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { FakeLedger } from './fake-ledger';
import { handler } from '../../src/release/reconcile-releases.lambda';
import { AwsTaskError } from '../staging/machine-runner';

const states = mockClient(SFNClient);
const bridge = mockClient(EventBridgeClient);
const where = { table: 'ledger', model: 'Temperature', endpointName: 'temperature', eventBusName: 'bus', time: '2026-01-02T00:00:00Z' };
const look = (time = where.time) => handler({ ...where, time, action: 'reconcile', recoveryArn: 'recovery', everyMinutes: 60 });
const holder = 'arn:release:1';
const slot = { pk: 'RELEASE', sk: 'SLOT', execution: holder, release: holder, version: 'V1.0.1', superseded: [] };
let ledger: FakeLedger;

const known = (version: string, order: number, createdAt: string, more = {}) =>
  ledger.put({ pk: 'VERSION', sk: version, version, order, status: 'registered', stage: 'Registered', modelPackageArn: `package/${version}`, createdAt, ...more });
const started = () => states.commandCalls(StartExecutionCommand).map((call) => call.args[0].input);
const told = () => bridge.commandCalls(PutEventsCommand).flatMap((call) => call.args[0].input.Entries ?? [])
  .map(({ EventBusName, Source, DetailType, Detail }) => ({ EventBusName, Source, DetailType, Detail: JSON.parse(Detail ?? '') as object }));

beforeEach(() => {
  ledger = new FakeLedger();
  states.reset();
  bridge.reset();
  bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  states.on(StartExecutionCommand).resolves({});
});
afterEach(() => ledger.restore());
afterAll(() => [states, bridge].forEach((each) => each.restore()));

describe('where the slot is taken', () => {
  beforeEach(() => ledger.put(slot));

  test('an execution that runs is left alone', async () => {
    states.on(DescribeExecutionCommand, { executionArn: holder }).resolves({ status: 'RUNNING' });
    expect(await look()).toEqual({ found: 'underWay', version: 'V1.0.1' });
    expect(started()).toEqual([]);
  });

  test.each(['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED', 'PENDING_REDRIVE'] as const)('one that is %s is recovered', async (status) => {
    states.on(DescribeExecutionCommand).resolves({ status });
    expect(await look()).toEqual({ found: 'recovering', version: 'V1.0.1' });
    expect(started()).toEqual([{
      stateMachineArn: 'recovery', name: expect.stringMatching(/^reconciled-[0-9a-f]{32}$/) as string, input: JSON.stringify({ execution: holder, reason: `its execution is ${status}` }),
    }]);
  });

  test('one that nobody knows any more is recovered', async () => {
    states.on(DescribeExecutionCommand).rejects(new AwsTaskError('ExecutionDoesNotExist', 'gone'));
    expect((await look()).found).toBe('recovering');
    expect(started()[0].input).toContain('its execution is UNKNOWN');
  });

  test('the same event twice starts one recovery, the next another', async () => {
    states.on(DescribeExecutionCommand).resolves({ status: 'FAILED' });
    await look();
    states.on(StartExecutionCommand).rejects(new AwsTaskError('ExecutionAlreadyExists', 'it is there'));
    expect((await look()).found).toBe('recovering');
    await look('2026-01-02T01:00:00Z');
    const names = started().map(({ name }) => name);
    expect(names[0]).toBe(names[1]);
    expect(names[2]).not.toBe(names[0]);
  });

  test('what cannot be asked or started fails, and is tried again', async () => {
    states.on(DescribeExecutionCommand).rejects(new AwsTaskError('ThrottlingException', 'slow down'));
    await expect(look()).rejects.toThrow('slow down');
    states.on(DescribeExecutionCommand).resolves({ status: 'FAILED' });
    states.on(StartExecutionCommand).rejects(new AwsTaskError('ExecutionLimitExceeded', 'too many'));
    await expect(look()).rejects.toThrow('too many');
  });
});

describe('where the slot is free', () => {
  const waiting = (version: string, order: number, since: string) =>
    ledger.put({ pk: 'RELEASE', sk: `WAITING#${String(order).padStart(12, '0')}`, version, order, since, modelPackageArn: `package/${version}` });

  test('nothing waits, nothing is done', async () => {
    known('V1.0.0', 1, '2026-01-01T00:00:00.000Z', { stage: 'Production' });
    expect(await look()).toEqual({ found: 'nothing' });
    expect([told(), started()]).toEqual([[], []]);
  });

  test('the newest that waits is called, but not in the minutes in which it comes by itself', async () => {
    waiting('V1.0.1', 1, '2026-01-01T00:00:00.000Z');
    waiting('V1.0.2', 2, '2026-01-01T01:00:00.000Z');
    waiting('V1.0.3', 3, '2026-01-01T23:55:00.000Z');
    expect(await look()).toEqual({ found: 'due', version: 'V1.0.2' });
    expect(told()).toEqual([{
      EventBusName: 'bus', Source: 'cdk-mlops', DetailType: 'ReleaseDue', Detail: { model: 'Temperature', version: 'V1.0.2', modelPackageArn: 'package/V1.0.2', time: where.time },
    }]);
  });

  test('versions that nobody was told of join the queue, once they are older than the time between two looks', async () => {
    known('V1.0.1', 1, '2026-01-01T00:00:00.000Z', { announcedAt: '2026-01-01T00:01:00.000Z' });
    known('V1.0.2', 2, '2026-01-01T20:00:00.000Z');
    known('V1.0.3', 3, '2026-01-01T20:00:00.000Z', { announcedAt: '2026-01-01T23:30:00.000Z' });
    known('V1.0.4', 4, '2026-01-01T00:00:00.000Z', { status: 'allocated' });
    known('V1.0.5', 5, '2026-01-01T00:00:00.000Z', { stage: 'Rejected' });
    expect(await look()).toEqual({ found: 'due', version: 'V1.0.2' });
    expect([...ledger.items.keys()].filter((key) => key.includes('WAITING'))).toEqual(['RELEASE/WAITING#000000000001', 'RELEASE/WAITING#000000000002']);
  });

  test('an event that is refused fails the look', async () => {
    waiting('V1.0.1', 1, '2026-01-01T00:00:00.000Z');
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
    await expect(look()).rejects.toThrow('the event ReleaseDue was refused');
  });
});

describe('a recovery that ended otherwise', () => {
  const ended = () => handler({ ...where, action: 'recoveryEnded', execution: 'arn:recovery:1', status: 'ABORTED' });

  test('is told of where it has left the slot', async () => {
    ledger.put({ ...slot, execution: 'arn:recovery:1', broke: { reason: 'its execution is FAILED', stage: 'Rejected' } });
    states.on(DescribeExecutionCommand).resolves({ status: 'ABORTED' });
    expect(await ended()).toEqual({ found: 'told', version: 'V1.0.1' });
    expect(told()).toEqual([expect.objectContaining({
      DetailType: 'ReleaseRecoveryFailed',
      Detail: {
        endpoint: 'temperature', version: 'V1.0.1', execution: 'arn:recovery:1', reason: 'the recovery is ABORTED, after: its execution is FAILED', time: where.time,
      },
    })]);
  });

  test('is not worth a word where another is at it, or nothing is left to do', async () => {
    expect(await ended()).toEqual({ found: 'nothing' });
    ledger.put(slot);
    states.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    expect(await ended()).toEqual({ found: 'nothing' });
    expect(told()).toEqual([]);
  });
});

describe('a rollback that ended otherwise', () => {
  const rollback = 'arn:rollback:1';
  const ended = () => handler({ ...where, action: 'rollbackEnded', execution: rollback, status: 'FAILED' });
  const described = (error: string, input: object = { reason: 'alarm Load is firing' }) =>
    states.on(DescribeExecutionCommand, { executionArn: rollback }).resolves({ error, cause: 'as it is', input: JSON.stringify(input) });

  test('is told of, with why it was asked for', async () => {
    ledger.put({ pk: 'CHAMPION', sk: 'PRODUCTION', version: 'V1.0.1' });
    described('Lambda.SdkClientException');
    expect(await ended()).toEqual({ found: 'told', version: 'V1.0.1' });
    expect(told()).toEqual([expect.objectContaining({
      DetailType: 'RollbackFailed',
      Detail: {
        endpoint: 'temperature',
        version: 'V1.0.1',
        execution: rollback,
        reason: 'the rollback is FAILED: Lambda.SdkClientException: as it is; it was asked for because: alarm Load is firing',
        time: where.time,
      },
    })]);
  });

  test('is told of where nothing is in production, no reason was given, and a release holds the slot', async () => {
    ledger.put(slot);
    states.on(DescribeExecutionCommand, { executionArn: rollback }).resolves({});
    expect(await ended()).toEqual({ found: 'told', version: 'none' });
    expect(told()[0].Detail).toMatchObject({ reason: 'the rollback is FAILED; it was asked for because: no reason given' });
  });

  test('is not told of where recovery goes on with it, or where it was impossible and told so', async () => {
    ledger.put({ ...slot, execution: 'arn:recovery:1', release: rollback });
    expect(await ended()).toEqual({ found: 'nothing' });
    ledger.put(slot);
    described('NothingToGoBackTo');
    expect(await ended()).toEqual({ found: 'nothing' });
    expect(told()).toEqual([]);
  });
});
