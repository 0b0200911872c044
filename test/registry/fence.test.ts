import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { handler as changeStage } from '../../src/registry/change-stage.lambda';
import { requireSlot } from '../../src/registry/fence';
import { handler as guard } from '../../src/release/guard-release.lambda';
import { DeployEvent, handler as deploy } from '../../src/staging/deploy.lambda';
import { FakeHosting } from '../staging/fake-hosting';

const dynamo = mockClient(DynamoDBClient);
const fence = { table: 'ledger', execution: 'arn:releases:mine' };
const held = (execution?: string) => dynamo.on(GetItemCommand).resolves(execution === undefined ? {} : { Item: { execution: { S: execution } } });

beforeEach(() => dynamo.reset());
afterAll(() => dynamo.restore());

test('who holds the slot passes, and is looked up as it is now', async () => {
  held(fence.execution);
  await expect(requireSlot(fence)).resolves.toBeUndefined();
  expect(dynamo.commandCalls(GetItemCommand)[0].args[0].input).toEqual({
    TableName: 'ledger', Key: { pk: { S: 'RELEASE' }, sk: { S: 'SLOT' } }, ConsistentRead: true,
  });
});

test.each([['somebody else', 'arn:releases:theirs'], ['nobody', undefined]])('where %s holds the slot the change is refused', async (_, execution) => {
  held(execution);
  await expect(requireSlot(fence)).rejects.toMatchObject({ name: 'SlotLost', message: 'arn:releases:mine does not hold the release slot any more' });
});

test.each([[null], [undefined]])('what is part of no release (%p) asks nobody', async (none) => {
  await expect(requireSlot(none)).resolves.toBeUndefined();
  expect(dynamo.commandCalls(GetItemCommand)).toHaveLength(0);
});

describe('without the slot', () => {
  let hosting: FakeHosting;
  beforeEach(() => {
    hosting = new FakeHosting();
    held('arn:releases:theirs');
  });
  afterEach(() => hosting.restore());

  const changes: DeployEvent[] = [
    { action: 'createModel', request: { ModelName: 'm', ExecutionRoleArn: 'r', EnableNetworkIsolation: true } },
    { action: 'createConfig', request: { EndpointConfigName: 'c', ProductionVariants: [] } },
    { action: 'createEndpoint', endpointName: 'e', configName: 'c' },
    { action: 'updateEndpoint', endpointName: 'temperature', configName: 'c' },
    { action: 'remove', endpointName: 'temperature', configName: 'c', modelName: 'm' },
  ];

  test.each(changes.map((change) => [change.action, change]))('%s changes nothing', async (_, change) => {
    hosting.serving('temperature', 'V1.0.0');
    const before = JSON.stringify([...hosting.endpoints, ...hosting.configs]);
    await expect(deploy({ ...change, fence } as DeployEvent)).rejects.toMatchObject({ name: 'SlotLost' });
    expect(JSON.stringify([...hosting.endpoints, ...hosting.configs])).toBe(before);
  });

  test('no alarm and no stage is changed', async () => {
    const plan = { fence, alarms: [] } as unknown as Parameters<typeof guard>[0]['plan'];
    await expect(guard({ action: 'put', plan })).rejects.toMatchObject({ name: 'SlotLost' });
    await expect(guard({ action: 'delete', plan })).rejects.toMatchObject({ name: 'SlotLost' });
    await expect(changeStage({ version: 'V1.0.0', stage: 'Canary', reason: 'late', time: '2026-01-01T00:00:00Z', fence })).rejects.toMatchObject({ name: 'SlotLost' });
    expect(dynamo.calls().every(({ args: [command] }) => command instanceof GetItemCommand)).toBe(true);
  });
});
