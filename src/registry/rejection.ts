import { TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { named, readItem, readVersion, untilUncontended } from './ledger-io';
import { abandonVersion, Ledger } from './package-registration';
import { toItem } from '../domain/attribute-values';
import { ModelRejected } from '../domain/events';
import { ledgerKeys, normalTime, RejectionRecord, RunRecord } from '../domain/ledger';

/** A candidate that gets no number. */
export type RejectedCandidate = Omit<RejectionRecord, 'time'>;

/**
 * Records why a candidate got no number. Repeating it for a run changes nothing. A run whose version is registered
 * cannot be rejected any more; one whose version never got its package gives that version up.
 */
export async function recordRejection(ledger: Ledger, candidate: RejectedCandidate, time: string): Promise<RejectionRecord> {
  return untilUncontended(`recording the rejection of run ${candidate.run}`, () => tryToRecord(ledger, { ...candidate, time: normalTime(time) }));
}

/** The detail of the event that tells of the rejection. */
export function rejectionEvent(model: string, rejection: RejectionRecord): ModelRejected {
  const { commit, dataset, stage, reason, run, time } = rejection;
  return { model, commit, dataset, stage, reason, run, time };
}

async function tryToRecord({ client, table }: Ledger, rejection: RejectionRecord): Promise<RejectionRecord> {
  const { run, reason, time } = rejection;
  const known = await readItem<RunRecord>(client, table, ledgerKeys.run(run));
  if (known?.outcome === 'rejected') return { ...rejection, reason: known.reason ?? reason, time: known.time };
  if (known?.version !== undefined) {
    const record = await readVersion(client, table, known.version);
    if (record?.status === 'registered') throw named('RunAlreadyRegistered', `run ${run} was given ${known.version}, which is registered`);
    await abandonVersion({ client, table }, known.version, run, reason, time);
  }
  const entry = { Put: { TableName: table, Item: toItem({ ...ledgerKeys.rejected(time, run), ...rejection }) } };
  await client.send(new TransactWriteItemsCommand({
    TransactItems: known !== undefined ? [entry] : [entry, {
      Put: {
        TableName: table,
        Item: toItem({ ...ledgerKeys.run(run), outcome: 'rejected', reason, time }),
        ConditionExpression: 'attribute_not_exists(pk)',
      },
    }],
  }));
  return rejection;
}
