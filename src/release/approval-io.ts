import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { ApprovalAnswer, ApprovalRecord } from '../domain/approval';
import { toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys } from '../domain/ledger';
import { isConditionFailure, LedgerClient, readItem, untilUncontended } from '../registry/ledger-io';

/** The ledger, and which hook it is about. */
export interface ApprovalTable {
  readonly client: LedgerClient;
  readonly table: string;
  readonly key: string;
}

export async function readApprovalRecord({ client, table, key }: ApprovalTable, version: string): Promise<ApprovalRecord | undefined> {
  return readItem<ApprovalRecord>(client, table, ledgerKeys.approval(version, key));
}

/** Asks once for each release: asking again finds the question, and perhaps its answer. */
export async function ask(at: ApprovalTable, question: ApprovalRecord): Promise<ApprovalRecord> {
  await unlessRefused(`asking for approval of ${question.version}`, () => at.client.send(new PutItemCommand({
    TableName: at.table,
    Item: toItem({ ...ledgerKeys.approval(question.version, at.key), ...question }),
    ConditionExpression: 'attribute_not_exists(pk) OR execution <> :execution',
    ExpressionAttributeValues: { ':execution': toAttribute(question.execution) },
  })));
  return await readApprovalRecord(at, question.version) ?? question;
}

/** Keeps an answer. False where there is one already, or the time is over. */
export async function answer(at: ApprovalTable, { version, decision, reason }: ApprovalAnswer, by: string, time: string): Promise<boolean> {
  return unlessRefused(`answering for ${version}`, () => at.client.send(new UpdateItemCommand({
    TableName: at.table,
    Key: toItem(ledgerKeys.approval(version, at.key)),
    UpdateExpression: 'SET #status = :answered, #decision = :decision, #by = :by, answeredAt = :time, #reason = :reason',
    ConditionExpression: '#status = :waiting AND #until > :time',
    ExpressionAttributeNames: { '#status': 'status', '#decision': 'decision', '#by': 'by', '#reason': 'reason', '#until': 'until' },
    ExpressionAttributeValues: {
      ':answered': toAttribute('answered'),
      ':waiting': toAttribute('waiting'),
      ':decision': toAttribute(decision),
      ':by': toAttribute(by),
      ':time': toAttribute(time),
      ':reason': toAttribute(reason ?? ''),
    },
  })));
}

/** Ends the waiting. An answer that came first stands. */
export async function expire(at: ApprovalTable, version: string): Promise<void> {
  await unlessRefused(`ending the approval of ${version}`, () => at.client.send(new UpdateItemCommand({
    TableName: at.table,
    Key: toItem(ledgerKeys.approval(version, at.key)),
    UpdateExpression: 'SET #status = :expired',
    ConditionExpression: '#status = :waiting',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':expired': toAttribute('expired'), ':waiting': toAttribute('waiting') },
  })));
}

async function unlessRefused(what: string, write: () => Promise<unknown>): Promise<boolean> {
  try {
    await untilUncontended(what, write);
    return true;
  } catch (error) {
    if (isConditionFailure(error)) return false;
    throw error;
  }
}
