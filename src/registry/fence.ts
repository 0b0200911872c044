import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LedgerClient, named, readItem } from './ledger-io';
import { ledgerKeys } from '../domain/ledger';
import { clientFor } from '../private/model-io';

/**
 * The release that a change is part of. It may be made only as long as the release's execution holds the slot of the
 * model; where there is no fence the change belongs to no release.
 */
export interface Fence {
  /** The ledger that the slot is kept in. */
  readonly table: string;
  /** ARN of the execution that has to hold the slot. */
  readonly execution: string;
}

const client = clientFor(DynamoDBClient);

/**
 * Throws `SlotLost` where the slot is somebody else's, or nobody's. Between this look and the change that follows the slot
 * may be lost all the same: whoever takes a slot over waits until every handler that has looked has ended.
 */
export async function requireSlot(fence: Fence | null | undefined, reader?: LedgerClient): Promise<void> {
  if (fence === undefined || fence === null) return;
  const ledger: LedgerClient = reader ?? client;
  const slot = await readItem<{ execution?: string }>(ledger, fence.table, ledgerKeys.releaseSlot());
  if (slot?.execution !== fence.execution) throw slotLost(fence);
}

export function slotLost({ execution }: Pick<Fence, 'execution'>): Error {
  return named('SlotLost', `${execution} does not hold the release slot any more`);
}
