import { isDeepStrictEqual } from 'util';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ApprovalTable, ask, expire, readApprovalRecord } from './approval-io';
import { ApprovalRecord } from '../domain/approval';
import { JsonObject, JsonValue, toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys, normalTime, VersionRecord } from '../domain/ledger';
import { releaseAccount } from '../domain/release-account';
import { ApprovalRequested } from '../domain/release-events';
import { HOOK_RUNNING, hookDecision, hookFailure, HookInput, HookOutcome, HookPoint } from '../domain/release-hook';
import { clientFor, perModel } from '../private/model-io';
import { isConditionFailure, named, readVersion, untilUncontended } from '../registry/ledger-io';

interface Asked {
  readonly table: string;
  readonly version: string;
  readonly time: string;
}

/** Names one hook of a release. */
interface Named {
  /** Unique within the release. */
  readonly key: string;
  readonly hook: string;
  readonly at: HookPoint;
}

export type ReleaseHookEvent =
  | Asked & { action: 'prepare'; model: string; endpoint: string; modelPackageArn: string; at: HookPoint; verdict?: JsonObject }
  | Asked & Named & { action: 'judge'; answer: JsonValue }
  | Asked & Named & { action: 'judgeFailure'; failure: { Error?: string; Cause?: string }; timeout: string }
  | Asked & Named & { action: 'lookAtExecution'; execution: string; input: HookInput }
  | Asked & Named & { action: 'ask'; input: HookInput; execution: string; url: string; windowMinutes: number }
  | Asked & Named & { action: 'look' };

/** What the hooks of one point are given. */
export interface PreparedHooks {
  readonly input: HookInput;
}

/** An approval: still waited for, or answered like every hook. */
export interface ApprovalAnswered {
  readonly waiting: boolean;
  readonly answer: JsonValue;
  readonly event?: ApprovalRequested;
}

type Answer = PreparedHooks | HookOutcome | ApprovalAnswered;

const client = clientFor(DynamoDBClient);
const states = clientFor(SFNClient);

async function handle(event: ReleaseHookEvent): Promise<Answer> {
  switch (event.action) {
    case 'prepare': return prepare(event);
    case 'judge': return keep(event, hookDecision(event.hook, event.at, event.answer));
    case 'judgeFailure': return keep(event, hookFailure(event.hook, event.at, event.failure, event.timeout));
    case 'lookAtExecution': return lookAtExecution(event);
    case 'ask': return askApprover(event);
    case 'look': return look(event);
  }
}

async function prepare({ table, version, model, endpoint, modelPackageArn, at, verdict }: ReleaseHookEvent & { action: 'prepare' }): Promise<PreparedHooks> {
  const { evaluation } = await recordOf(table, version);
  // the sequence is for drawing: a hook that decides needs its end
  const { sequence, ...told } = verdict ?? {};
  return { input: { model, endpoint, version, modelPackageArn, at, evaluation, ...(verdict === undefined ? {} : { verdict: told }) } };
}

/** Keeps what a hook decided on the version's record, from where its account is made. Keeping it again changes nothing. */
async function keep({ table, version, key, hook, at, time }: Asked & Named, decided: Pick<HookOutcome, 'decision' | 'reason'>): Promise<HookOutcome> {
  const outcome: HookOutcome = { hook, at, ...decided, time: normalTime(time) };
  const update = (UpdateExpression: string, more: object) => untilUncontended(`keeping what ${hook} said of ${version}`, () => client.send(new UpdateItemCommand({
    TableName: table, Key: toItem(ledgerKeys.version(version)), UpdateExpression, ...more,
  })));
  try {
    await update('SET hooks = :none', { ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(hooks)', ExpressionAttributeValues: { ':none': { M: {} } } });
  } catch (error) {
    // there is what another hook said
    if (!isConditionFailure(error)) throw error;
  }
  await update('SET hooks.#key = :outcome', {
    ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeNames: { '#key': key }, ExpressionAttributeValues: { ':outcome': toAttribute({ ...outcome }) },
  });
  return outcome;
}

/** Judges a version by an execution that was asked about it. Whoever may start one by its name does not thereby answer another question. */
async function lookAtExecution(event: ReleaseHookEvent & { action: 'lookAtExecution' }): Promise<HookOutcome> {
  const { hook, at, execution } = event;
  const { name, status, input, output, error, cause } = await states.send(new DescribeExecutionCommand({ executionArn: execution }));
  const failed = (failure: { Error: string; Cause: string }) => keep(event, hookFailure(hook, at, failure, ''));
  if (!isDeepStrictEqual(JSON.parse(input ?? 'null'), event.input)) {
    return failed({ Error: 'HookNotAsked', Cause: `somebody else has started ${execution}, with another input` });
  }
  switch (status) {
    case 'SUCCEEDED': return keep(event, hookDecision(hook, at, JSON.parse(output ?? 'null') as JsonValue));
    case 'FAILED':
    case 'TIMED_OUT':
    // as Step Functions tells those who wait for it
    case 'ABORTED': return failed({ Error: 'States.TaskFailed', Cause: JSON.stringify({ Name: name, Status: status, Error: error, Cause: cause }) });
    default: throw named(HOOK_RUNNING, `${execution} is ${status}`);
  }
}

async function askApprover(event: ReleaseHookEvent & { action: 'ask' }): Promise<ApprovalAnswered> {
  const { version, hook, at, input, execution, url, windowMinutes } = event;
  const record = await recordOf(event.table, version);
  if (record.author === undefined) {
    return answered('reject', 'nobody can approve it, because the author of its commit is not known: an author must not approve their own model');
  }
  const askedAt = normalTime(event.time);
  const question: ApprovalRecord = {
    version, hook, execution, author: record.author, status: 'waiting', askedAt, until: new Date(Date.parse(askedAt) + windowMinutes * 60_000).toISOString(),
  };
  const approval = await ask(tableOf(event), question);
  if (approval.status !== 'waiting') return outcomeOf(approval);
  return {
    waiting: true,
    answer: null,
    event: {
      model: input.model,
      endpoint: input.endpoint,
      version,
      hook,
      at,
      author: record.author,
      url,
      until: approval.until,
      account: releaseAccount(record, input.verdict),
      time: approval.askedAt,
    },
  };
}

async function look(event: ReleaseHookEvent & { action: 'look' }): Promise<ApprovalAnswered> {
  const { version, hook } = event;
  const approval = await readApprovalRecord(tableOf(event), version);
  if (approval === undefined) throw named('UnknownApproval', `the ledger has no question of ${hook} about ${version}`);
  if (approval.status !== 'waiting') return outcomeOf(approval);
  if (normalTime(event.time) < approval.until) return { waiting: true, answer: null };
  await expire(tableOf(event), version);
  return outcomeOf(await readApprovalRecord(tableOf(event), version) ?? approval);
}

function outcomeOf({ status, decision, by, reason, askedAt, until, answeredAt }: ApprovalRecord): ApprovalAnswered {
  if (status !== 'answered') return answered('reject', `nobody has approved it from ${askedAt} to ${until}`);
  const said = reason === undefined || reason === '' ? '' : `: ${reason}`;
  return answered(decision === 'approve' ? 'proceed' : 'reject', `${decision === 'approve' ? 'approved' : 'rejected'} by ${by} at ${answeredAt}${said}`);
}

function answered(decision: 'proceed' | 'reject', reason: string): ApprovalAnswered {
  return { waiting: false, answer: { decision, reason } };
}

async function recordOf(table: string, version: string): Promise<VersionRecord> {
  const record = await readVersion(client, table, version);
  if (record === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  return record;
}

function tableOf({ table, key }: Asked & Named): ApprovalTable {
  return { client, table, key };
}

export const handler = perModel(handle);
