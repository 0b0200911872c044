import { forgetGood, newlyGood, noteGood, readGood } from './good-io';
import { completeSlot, concludeSlot, freeSlot, ledgerClient, News, readSlot, readWaiting, Slot, writeLastGood } from './slot-io';
import { acquire, Acquired, AcquireEvent, join, JoinEvent } from './slot-queue';
import { MlopsEventType } from '../domain/events';
import { VersionRecord } from '../domain/ledger';
import { ReleaseCompleted, ReleaseRejected, ReleaseRolledBack } from '../domain/release-events';
import { perModel } from '../private/model-io';
import { slotLost } from '../registry/fence';
import { readVersion } from '../registry/ledger-io';
import { describeEndpoint } from '../staging/hosting-io';

export type SlotEvent =
  | JoinEvent
  | AcquireEvent
  | { action: 'complete'; table: string; endpointName: string; execution: string; time: string; released: Released }
  | { action: 'takenBack'; table: string; endpointName: string; execution: string; time: string; reason: string }
  | { action: 'rejected'; table: string; endpointName: string; execution: string; time: string }
  | { action: 'free'; table: string; execution: string };

/** What `CanaryRelease` answers. */
export interface Released {
  readonly version: string;
  readonly endpointConfigName: string;
  readonly previousVersion: string | null;
}

export interface SlotAnswer extends Partial<Acquired> {
  /** Detail of the event that tells the outcome. */
  readonly event?: ReleaseCompleted | ReleaseRolledBack | ReleaseRejected;
  /** The version whose turn it is now. */
  readonly next?: { readonly version: string; readonly modelPackageArn: string } | null;
}

async function handle(event: SlotEvent): Promise<SlotAnswer> {
  switch (event.action) {
    case 'join': return join(event);
    case 'acquire': return acquire(event);
    case 'complete': return complete(event);
    case 'takenBack': return takenBack(event);
    case 'rejected': return rejected(event);
    case 'free': return free(event.table, event.execution);
  }
}

async function rejected({ table, endpointName, execution, time }: SlotEvent & { action: 'rejected' }): Promise<SlotAnswer> {
  const record = await recordOf(table, (await readSlot(table))?.version);
  const event: ReleaseRejected = {
    endpoint: endpointName, version: record?.version ?? '', reason: record?.reason ?? 'unknown', account: record?.account ?? '', time,
  };
  held(await concludeSlot(table, execution, 'rejected', news(MlopsEventType.RELEASE_REJECTED, event)), execution);
  return { event };
}

async function complete({ table, endpointName, execution, time, released }: SlotEvent & { action: 'complete' }): Promise<SlotAnswer> {
  const { version, endpointConfigName, previousVersion } = released;
  const event: ReleaseCompleted = {
    endpoint: endpointName,
    version,
    ...(previousVersion === null ? {} : { previous: previousVersion }),
    endpointConfigName,
    ...await accountOf(table, version),
    time,
  };
  const slot = await readSlot(table);
  const told = news(MlopsEventType.RELEASE_COMPLETED, event);
  // with the conclusion, not after it: there must be a way back from the next release however this one goes on
  const release = await newlyGood(table, version, endpointConfigName, slot?.acquiredAt ?? time);
  held(await completeSlot(table, execution, { configName: endpointConfigName, version }, told, release), execution);
  return { event };
}

async function takenBack({ table, endpointName, execution, time, reason }: SlotEvent & { action: 'takenBack' }): Promise<SlotAnswer> {
  const slot = await readSlot(table);
  // somebody else may have moved or deleted the endpoint meanwhile: what is told is what is there
  const serving = (await describeEndpoint(endpointName))?.EndpointConfigName ?? '';
  const restored = restoredBy(slot, serving);
  const event: ReleaseRolledBack = {
    endpoint: endpointName,
    version: slot?.version ?? '',
    ...(restored === null ? {} : { restored }),
    endpointConfigName: serving,
    reason,
    ...await accountOf(table, slot?.version),
    time,
  };
  if (slot?.execution === execution && slot.rollback !== undefined && restored !== null) await goneBack(table, slot, time);
  held(await concludeSlot(table, execution, 'rolled back', news(MlopsEventType.RELEASE_ROLLED_BACK, event)), execution);
  return { event };
}

/** What was in production is no good release any more, and the one before it serves from now on. */
async function goneBack(table: string, { order, lastGood }: Slot, time: string): Promise<void> {
  const good = lastGood ?? undefined;
  if (good === undefined) return;
  const target = (await readGood(table)).find(({ configName }) => configName === good.configName);
  if (target !== undefined) await noteGood(table, { ...target, since: time });
  await writeLastGood(table, good);
  await forgetGood(table, order);
}

function restoredBy(slot: Slot | undefined, serving: string): string | null {
  return slot?.lastGood?.configName === serving ? slot.lastGood.version : null;
}

async function recordOf(table: string, version: string | undefined): Promise<VersionRecord | undefined> {
  return version === undefined ? undefined : readVersion(ledgerClient, table, version);
}

/** The version's account, which its last change of stage has made. */
async function accountOf(table: string, version: string | undefined): Promise<{ account?: string }> {
  const account = (await recordOf(table, version))?.account;
  return account === undefined ? {} : { account };
}

/** What is kept with the outcome, so that it can still be told by whoever goes on after an interruption. */
function news(type: MlopsEventType, detail: ReleaseCompleted | ReleaseRolledBack | ReleaseRejected): News {
  return { type, detail: { ...detail } };
}

async function free(table: string, execution: string): Promise<SlotAnswer> {
  await freeSlot(table, execution);
  const newest = (await readWaiting(table)).pop();
  return { next: newest === undefined ? null : { version: newest.version, modelPackageArn: newest.modelPackageArn } };
}

function held(holds: boolean, execution: string): void {
  if (!holds) throw slotLost({ execution });
}

export const handler = perModel(handle);
