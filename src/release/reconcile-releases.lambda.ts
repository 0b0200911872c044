import { createHash } from 'crypto';
import { QueryCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { statusOf } from './execution-io';
import { ledgerClient, readSlot, readWaiting, wait, Waiting } from './slot-io';
import { fromItem, toAttribute } from '../domain/attribute-values';
import { MlopsEvents, MlopsEventType } from '../domain/events';
import { failureInWords } from '../domain/failure-reason';
import { ledgerKeys, VersionRecord } from '../domain/ledger';
import { ReleaseRecoveryFailed, RollbackFailed } from '../domain/release-events';
import { NOTHING_TO_GO_BACK_TO } from '../domain/retention';
import { clientFor, perModel } from '../private/model-io';
import { readItem } from '../registry/ledger-io';

/** Where and what; the part of an event that the construct knows. */
interface Releases {
  readonly table: string;
  readonly model: string;
  readonly endpointName: string;
  readonly eventBusName: string;
  /** ISO 8601. */
  readonly time: string;
}

export type ReconcileEvent =
  | { action: 'reconcile'; recoveryArn: string; everyMinutes: number } & Releases
  | { action: 'recoveryEnded' | 'rollbackEnded'; execution: string; status: string } & Releases;

type Ended = ReconcileEvent & { action: 'recoveryEnded' | 'rollbackEnded' };

/** What was found, and done about it. */
export interface ReconcileAnswer {
  /** `recovering`: a recovery was started. `due`: a version was called. `told`: a recovery or a rollback that failed was told of. */
  readonly found: 'nothing' | 'underWay' | 'recovering' | 'due' | 'told';
  readonly version?: string;
}

/** A version joins the queue, and is looked at, within so long of its event: one that waits for longer has been forgotten. */
const FORGOTTEN_MINUTES = 10;

const states = clientFor(SFNClient);
const eventBridge = clientFor(EventBridgeClient);

async function handle(event: ReconcileEvent): Promise<ReconcileAnswer> {
  switch (event.action) {
    case 'reconcile': return reconcile(event);
    case 'recoveryEnded': return recoveryEnded(event);
    case 'rollbackEnded': return rollbackEnded(event);
  }
}

/** Events may be lost, and executions vanish: what should have gone on and did not goes on from here. */
async function reconcile(event: ReconcileEvent & { action: 'reconcile' }): Promise<ReconcileAnswer> {
  const { table, time, everyMinutes } = event;
  const slot = await readSlot(table);
  if (slot !== undefined) {
    const status = await statusOf(states, slot.execution);
    if (status === 'RUNNING') return { found: 'underWay', version: slot.version };
    await recover(event, slot.execution, `its execution is ${status}`);
    return { found: 'recovering', version: slot.version };
  }
  const waiting = await readWaiting(table);
  for (const lost of await neverAnnounced(table, waiting, before(time, everyMinutes))) {
    await wait(table, lost);
    waiting.push(lost);
  }
  const newest = waiting.filter((each) => each.since <= before(time, FORGOTTEN_MINUTES)).sort((a, b) => a.order - b.order).at(-1);
  if (newest === undefined) return { found: 'nothing' };
  await put(event, 'ReleaseDue', { model: event.model, version: newest.version, modelPackageArn: newest.modelPackageArn, time });
  return { found: 'due', version: newest.version };
}

/** By a name that is made of the holder and the time: the same event that comes twice starts one recovery. */
async function recover(event: ReconcileEvent & { action: 'reconcile' }, execution: string, reason: string): Promise<void> {
  try {
    await states.send(new StartExecutionCommand({
      stateMachineArn: event.recoveryArn,
      name: `reconciled-${createHash('sha256').update(`${execution} ${event.time}`).digest('hex').slice(0, 32)}`,
      input: JSON.stringify({ execution, reason }),
    }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ExecutionAlreadyExists')) throw error;
  }
}

/** Versions that were registered some time ago, and that no release has ever heard of: older ones will be superseded in their turn. */
async function neverAnnounced(table: string, waiting: readonly Waiting[], latest: string): Promise<Waiting[]> {
  const known = new Set(waiting.map(({ version }) => version));
  const records: VersionRecord[] = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await ledgerClient.send(new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: '#stage = :stage AND #status = :status',
      ProjectionExpression: 'version, #order, modelPackageArn, announcedAt, createdAt',
      ExpressionAttributeNames: { '#stage': 'stage', '#status': 'status', '#order': 'order' },
      ExpressionAttributeValues: { ':pk': toAttribute(ledgerKeys.version('').pk), ':stage': toAttribute('Registered'), ':status': toAttribute('registered') },
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    }));
    records.push(...(page.Items ?? []).map((item) => fromItem(item) as unknown as VersionRecord));
    start = page.LastEvaluatedKey as typeof start;
  } while (start !== undefined);
  return records
    .filter(({ version, announcedAt, createdAt }) => !known.has(version) && (announcedAt ?? createdAt) <= latest)
    .map(({ version, order, modelPackageArn = '', announcedAt, createdAt }) => ({ version, order, modelPackageArn, since: announcedAt ?? createdAt }));
}

/** A recovery that broke has left the slot taken, and perhaps the endpoint as it was: somebody should know before it is tried again. */
async function recoveryEnded(event: Ended): Promise<ReconcileAnswer> {
  const { table, endpointName, execution, status, time } = event;
  const slot = await readSlot(table);
  if (slot === undefined || await statusOf(states, slot.execution) === 'RUNNING') return { found: 'nothing' };
  const detail: ReleaseRecoveryFailed = {
    endpoint: endpointName,
    version: slot.version,
    execution,
    reason: `the recovery is ${status}${slot.broke === undefined ? '' : `, after: ${slot.broke.reason}`}`,
    time,
  };
  await put(event, MlopsEventType.RELEASE_RECOVERY_FAILED, { ...detail });
  return { found: 'told', version: slot.version };
}

/** A rollback that broke before it held the slot is gone on with by nobody: whoever wants it has to ask again. */
async function rollbackEnded(event: Ended): Promise<ReconcileAnswer> {
  const { table, endpointName, execution, status, time } = event;
  // recovery goes on from the slot, and tells of it
  if ((await readSlot(table))?.release === execution) return { found: 'nothing' };
  const { error, cause, input } = await states.send(new DescribeExecutionCommand({ executionArn: execution }));
  // told already
  if (error === NOTHING_TO_GO_BACK_TO) return { found: 'nothing' };
  const champion = await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.champion());
  const failure = error === undefined ? '' : `: ${failureInWords(JSON.stringify({ Error: error, Cause: cause }))}`;
  const detail: RollbackFailed = {
    endpoint: endpointName,
    version: champion?.version ?? 'none',
    execution,
    reason: `the rollback is ${status}${failure}; it was asked for because: ${askedFor(input)}`,
    time,
  };
  await put(event, MlopsEventType.ROLLBACK_FAILED, { ...detail });
  return { found: 'told', version: detail.version };
}

function askedFor(input = '{}'): string {
  const { reason } = JSON.parse(input) as { reason?: unknown };
  return typeof reason === 'string' && reason !== '' ? reason : 'no reason given';
}

async function put({ eventBusName }: Releases, DetailType: string, detail: object): Promise<void> {
  const answer = await eventBridge.send(new PutEventsCommand({
    Entries: [{ EventBusName: eventBusName, Source: MlopsEvents.SOURCE, DetailType, Detail: JSON.stringify(detail) }],
  }));
  if ((answer.FailedEntryCount ?? 0) > 0) throw new Error(`the event ${DetailType} was refused: ${JSON.stringify(answer.Entries)}`);
}

function before(time: string, minutes: number): string {
  return new Date(Date.parse(time) - minutes * 60_000).toISOString();
}

export const handler = perModel(handle);
