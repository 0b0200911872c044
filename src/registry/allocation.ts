import { TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { LedgerClient, named, readItem, readVersion, untilUncontended } from './ledger-io';
import { AttributeValue, JsonObject, toAttribute, toItem } from '../domain/attribute-values';
import { Candidate, ledgerKeys, LedgerKey, normalTime, RunRecord, TagRecord, VersionRecord } from '../domain/ledger';
import { causeOf, decideVersion, formatVersion, ModelVersion, VersionCause } from '../domain/model-version';

export interface Allocation {
  readonly version: string;
  readonly cause: VersionCause;
  /** Whether the number was given to this run. */
  readonly created: boolean;
}

/**
 * Gives a candidate its version, in one transaction: the run, the tag's counter, the version's record and the count of
 * all versions are written together or not at all. Repeating it for a run gives the same version. No number is given
 * twice, and none is skipped: a number exists exactly when its record exists.
 */
export async function allocateVersion(client: LedgerClient, table: string, candidate: Candidate, time: string): Promise<Allocation> {
  return untilUncontended(`allocating a version for run ${candidate.run}`, () => tryToAllocate(client, table, candidate, normalTime(time)));
}

async function tryToAllocate(client: LedgerClient, table: string, candidate: Candidate, time: string): Promise<Allocation> {
  const { run, tag } = candidate;
  const known = await readItem<RunRecord>(client, table, ledgerKeys.run(run));
  if (known !== undefined) return allocationOf(client, table, run, known);

  const last = await readItem<TagRecord>(client, table, ledgerKeys.tag(tag));
  const decision = decideVersion(last, candidate);
  if (decision.kind === 'next') return giveNext(client, table, candidate, time, decision.version, last);

  const version = formatVersion(decision.version);
  const record = await readVersion(client, table, version);
  if (record === undefined) throw named('LedgerBroken', `tag ${tag} counts ${version}, which has no record`);
  if (record.status === 'abandoned') return takeUp(client, table, candidate, time, record);
  await write(client, [
    putNew(table, ledgerKeys.run(run), runRecord(version, false, time)),
    // the run's answer and the tag's counter it was read from belong together
    { ConditionCheck: { TableName: table, Key: toItem(ledgerKeys.tag(tag)), ...unchanged(last) } },
  ]);
  return { version, cause: record.cause, created: false };
}

async function allocationOf(client: LedgerClient, table: string, run: string, known: RunRecord): Promise<Allocation> {
  if (known.outcome === 'rejected' || known.version === undefined) {
    throw named('RunAlreadyRejected', `run ${run} was rejected at ${known.time}: ${known.reason ?? 'no reason given'}`);
  }
  const record = await readVersion(client, table, known.version);
  if (record === undefined) throw named('LedgerBroken', `run ${run} was given ${known.version}, which has no record`);
  return { version: record.version, cause: record.cause, created: known.created === true };
}

async function giveNext(
  client: LedgerClient, table: string, candidate: Candidate, time: string, next: ModelVersion, last: TagRecord | undefined,
): Promise<Allocation> {
  const counter = await readItem<{ readonly order: number }>(client, table, ledgerKeys.allocated());
  const order = (counter?.order ?? 0) + 1;
  const version = formatVersion(next);
  const cause = causeOf(next);
  const { tag, commit, dataset, run } = candidate;
  const reason = cause === 'manual' ? `commit ${commit}` : `dataset ${dataset}`;
  const record: VersionRecord = {
    ...candidate,
    version,
    manual: next.manual,
    auto: next.auto,
    cause,
    order,
    status: 'allocated',
    attempt: 0,
    stage: 'Registered',
    reason,
    history: [{ stage: 'Registered', reason, time }],
    createdAt: time,
  };
  await write(client, [
    putNew(table, ledgerKeys.run(run), runRecord(version, true, time)),
    { Put: { TableName: table, Item: toItem({ ...ledgerKeys.tag(tag), ...next, commit, dataset, version }), ...unchanged(last) } },
    putNew(table, ledgerKeys.version(version), asJson(record)),
    {
      Put: {
        TableName: table,
        Item: toItem({ ...ledgerKeys.allocated(), order, version }),
        ...(counter === undefined
          ? { ConditionExpression: 'attribute_not_exists(pk)' }
          : {
            ConditionExpression: '#order = :seen',
            ExpressionAttributeNames: { '#order': 'order' },
            ExpressionAttributeValues: { ':seen': toAttribute(counter.order) },
          }),
      },
    },
  ]);
  return { version, cause, created: true };
}

/** Commit and dataset have a number whose model package could not be made: this run brings a model for it again. */
async function takeUp(client: LedgerClient, table: string, candidate: Candidate, time: string, abandoned: VersionRecord): Promise<Allocation> {
  const { version, cause } = abandoned;
  const reason = `taken up again by run ${candidate.run}`;
  const record: VersionRecord = {
    ...candidate,
    version,
    manual: abandoned.manual,
    auto: abandoned.auto,
    cause,
    order: abandoned.order,
    createdAt: abandoned.createdAt,
    status: 'allocated',
    attempt: abandoned.attempt + 1,
    stage: 'Registered',
    reason,
    history: [...abandoned.history, { stage: 'Registered', reason, time }],
  };
  await write(client, [
    putNew(table, ledgerKeys.run(candidate.run), runRecord(version, true, time)),
    {
      Put: {
        TableName: table,
        Item: toItem({ ...ledgerKeys.version(version), ...asJson(record) }),
        ConditionExpression: '#status = :abandoned AND #attempt = :seen',
        ExpressionAttributeNames: { '#status': 'status', '#attempt': 'attempt' },
        ExpressionAttributeValues: { ':abandoned': toAttribute('abandoned'), ':seen': toAttribute(abandoned.attempt) },
      },
    },
  ]);
  return { version, cause, created: true };
}

interface Condition {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

async function write(client: LedgerClient, items: TransactWriteItem[]): Promise<void> {
  await client.send(new TransactWriteItemsCommand({ TransactItems: items }));
}

function putNew(table: string, key: LedgerKey, item: JsonObject): TransactWriteItem {
  return { Put: { TableName: table, Item: toItem({ ...key, ...item }), ConditionExpression: 'attribute_not_exists(pk)' } };
}

function runRecord(version: string, created: boolean, time: string): JsonObject {
  return asJson<RunRecord>({ outcome: 'version', version, created, time });
}

/** The tag's counter is what was read. Its version says it all: it never comes back to an earlier one. */
function unchanged(last: TagRecord | undefined): Condition {
  if (last === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: '#version = :seen',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: { ':seen': toAttribute(last.version) },
  };
}

function asJson<T extends object>(record: T): JsonObject {
  return { ...record } as JsonObject;
}
