import { createHash } from 'crypto';
import { concludeSlot, freeSlot, GoodConfig, ledgerClient, readLastGood, readSlot, readWaiting, Slot, stopWaiting, Superseded, takeSlot, wait, Waiting, writeLastGood } from './slot-io';
import { ReleaseCompleted, ReleaseRolledBack } from '../domain/events';
import { ledgerKeys } from '../domain/ledger';
import { cleanName } from '../domain/release-names';
import { Fence, slotLost } from '../registry/fence';
import { named, readItem, readVersion } from '../registry/ledger-io';
import { describeConfig, describeEndpoint, requireInService } from '../staging/hosting-io';

export type SlotEvent =
  | { action: 'acquire'; table: string; endpointName: string; execution: string; time: string; input: { version: string; modelPackageArn: string } }
  | { action: 'complete'; table: string; endpointName: string; execution: string; time: string; released: Released }
  | { action: 'takenBack'; table: string; endpointName: string; execution: string; time: string; reason: string }
  | { action: 'rejected'; table: string; execution: string }
  | { action: 'free'; table: string; execution: string };

/** What `CanaryRelease` answers. */
export interface Released {
  readonly version: string;
  readonly endpointConfigName: string;
  readonly previousVersion: string | null;
}

export interface SlotAnswer {
  /** `acquired`: go on. `waiting`: another release is under way. `ignored`: there is nothing to do for this version. */
  readonly status?: 'acquired' | 'waiting' | 'ignored';
  readonly reason?: string;
  readonly slot?: Slot;
  /** What every change that the release makes has to show. */
  readonly fence?: Fence | null;
  readonly superseded?: Superseded[];
  readonly previousVersion?: string | null;
  /** Detail of the event that tells the outcome. */
  readonly event?: ReleaseCompleted | ReleaseRolledBack;
  /** The version whose turn it is now. */
  readonly next?: { readonly version: string; readonly modelPackageArn: string } | null;
}

export async function handler(event: SlotEvent): Promise<SlotAnswer> {
  switch (event.action) {
    case 'acquire': return acquire(event);
    case 'complete': return complete(event);
    case 'takenBack': return takenBack(event);
    case 'rejected':
      await held(await concludeSlot(event.table, event.execution, 'rejected'), event.execution);
      return {};
    case 'free': return free(event.table, event.execution);
  }
}

/**
 * A version first joins the queue, then asks for the slot: so that whoever gets it sees all that wait, and none is
 * forgotten between asking and waiting. Who gets the slot releases the newest of them; older ones are superseded.
 */
async function acquire({ table, endpointName, execution, time, input }: SlotEvent & { action: 'acquire' }): Promise<SlotAnswer> {
  const { version, modelPackageArn } = input;
  const before = await readSlot(table);
  if (before?.execution === execution) return acquired(table, before);
  const record = await readVersion(ledgerClient, table, version);
  if (record === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  if (record.stage !== 'Registered' || before?.version === version) {
    return { status: 'ignored', fence: null, superseded: [], reason: `${version} has been through a release already (${record.stage})` };
  }
  const champion = await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.champion());
  const serving = champion === undefined ? undefined : await readVersion(ledgerClient, table, champion.version);
  if (serving !== undefined && serving.order > record.order) {
    return { status: 'ignored', fence: null, superseded: [supersededBy(version, serving.version)], reason: `${serving.version}, which is newer, is in production` };
  }

  await wait(table, { version, modelPackageArn, order: record.order });
  const waiting = await readWaiting(table);
  const newest = waiting[waiting.length - 1] ?? { version, modelPackageArn, order: record.order };
  const name = `${cleanName(newest.version, 40)}-${createHash('sha256').update(execution).digest('hex').slice(0, 16)}`;
  const slot: Slot = {
    execution,
    version: newest.version,
    modelPackageArn: newest.modelPackageArn,
    order: newest.order,
    acquiredAt: time,
    stagingName: `${name}-staging`,
    releaseName: `${name}-release`,
    lastGood: await lastGood(table, endpointName, champion?.version ?? null),
    superseded: waiting.filter((each) => each.order < newest.order).map((each) => supersededBy(each.version, newest.version)),
  };
  if (await takeSlot(table, slot)) return acquired(table, slot);
  const holder = await readSlot(table);
  return { status: 'waiting', fence: null, superseded: [], reason: `the release of ${holder?.version ?? 'another version'} is under way` };
}

async function acquired(table: string, slot: Slot): Promise<SlotAnswer> {
  const gone = new Set([slot.version, ...slot.superseded.map((each) => each.version)]);
  await stopWaiting(table, (await readWaiting(table)).filter((each) => gone.has(each.version)).map((each) => each.order));
  return { status: 'acquired', slot, fence: { table, execution: slot.execution }, superseded: slot.superseded, previousVersion: slot.lastGood?.version ?? null };
}

/** The config that serves now, unless what is found there was left behind by a release that vanished. */
async function lastGood(table: string, endpointName: string, version: string | null): Promise<GoodConfig | null> {
  const endpoint = await describeEndpoint(endpointName);
  if (endpoint === undefined || endpoint.EndpointStatus === 'Failed') return null;
  requireInService(endpoint);
  const configName = endpoint.EndpointConfigName ?? '';
  const shadows = (await describeConfig(configName)).ShadowProductionVariants ?? [];
  return shadows.length === 0 ? { configName, version } : await readLastGood(table) ?? null;
}

async function complete({ table, endpointName, execution, time, released }: SlotEvent & { action: 'complete' }): Promise<SlotAnswer> {
  const { version, endpointConfigName, previousVersion } = released;
  await held(await concludeSlot(table, execution, 'production'), execution);
  await writeLastGood(table, { configName: endpointConfigName, version });
  return { event: { endpoint: endpointName, version, ...(previousVersion === null ? {} : { previous: previousVersion }), endpointConfigName, time } };
}

async function takenBack({ table, endpointName, execution, time, reason }: SlotEvent & { action: 'takenBack' }): Promise<SlotAnswer> {
  const slot = await readSlot(table);
  await held(await concludeSlot(table, execution, 'rolled back'), execution);
  // somebody else may have moved or deleted the endpoint meanwhile: what is told is what is there
  const serving = (await describeEndpoint(endpointName))?.EndpointConfigName ?? '';
  const restored = slot?.lastGood?.configName === serving ? slot.lastGood.version : null;
  return {
    event: {
      endpoint: endpointName,
      version: slot?.version ?? '',
      ...(restored === null ? {} : { restored }),
      endpointConfigName: serving,
      reason,
      time,
    },
  };
}

async function free(table: string, execution: string): Promise<SlotAnswer> {
  await freeSlot(table, execution);
  const newest = (await readWaiting(table)).pop();
  return { next: newest === undefined ? null : pick(newest) };
}

function pick({ version, modelPackageArn }: Waiting): { version: string; modelPackageArn: string } {
  return { version, modelPackageArn };
}

function supersededBy(version: string, newer: string): Superseded {
  return { version, reason: `${newer}, which is newer, takes its place` };
}

async function held(holds: boolean, execution: string): Promise<void> {
  if (!holds) throw slotLost({ execution });
}
