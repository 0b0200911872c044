import { createHash } from 'crypto';
import { GoodConfig, ledgerClient, noteInSlot, readLastGood, readSlot, readWaiting, Slot, stopWaiting, Superseded, takeSlot, wait, Waiting } from './slot-io';
import { ledgerKeys } from '../domain/ledger';
import { cleanName } from '../domain/release-names';
import { Fence, slotLost } from '../registry/fence';
import { named, readItem, readVersion } from '../registry/ledger-io';
import { describeConfig, describeEndpoint, requireInService } from '../staging/hosting-io';

export interface JoinEvent {
  readonly action: 'join';
  readonly table: string;
  readonly time: string;
  readonly input: { readonly version: string; readonly modelPackageArn: string };
}

export interface AcquireEvent {
  readonly action: 'acquire';
  readonly table: string;
  readonly endpointName: string;
  readonly execution: string;
  readonly time: string;
  readonly input: { readonly version: string; readonly modelPackageArn: string };
}

/** What came of asking for the slot. */
export interface Acquired {
  /** `acquired`: go on. `waiting`: another release is under way. `ignored`: there is nothing to release. */
  readonly status: 'acquired' | 'waiting' | 'ignored';
  readonly reason?: string;
  readonly slot?: Slot;
  /** What every change that the release makes has to show. */
  readonly fence: Fence | null;
  readonly superseded: Superseded[];
  readonly previousVersion?: string | null;
}

/** The queue may change while it is looked at, but not again and again: versions do not come that fast. */
const MOST_LOOKS = 20;

/** A version joins the queue at once, so that whoever gets the slot next sees it. */
export async function join({ table, time, input }: JoinEvent): Promise<Record<string, never>> {
  const { version, modelPackageArn } = input;
  const record = await readVersion(ledgerClient, table, version);
  if (record === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  if (record.stage === 'Registered') await wait(table, { version, modelPackageArn, order: record.order, since: time });
  return {};
}

/**
 * Asks for the slot. Who gets it releases the newest version that waits, whichever that is; older ones are superseded.
 * A version has joined the queue before it asks: so none is forgotten between asking and waiting.
 */
export async function acquire(event: AcquireEvent): Promise<Acquired> {
  const { table, execution, time, input } = event;
  for (let looks = 1; ; looks += 1) {
    const holder = await readSlot(table);
    if (holder?.execution === execution) return acquired(event, holder);
    const waiting = await stillWaiting(table, holder);
    if (holder !== undefined) return taken(waiting, holder, input.version);
    const newest = waiting.at(-1);
    if (newest === undefined) return ignored('nothing waits: the version has been through a release already');
    const champion = await championOf(table);
    const serving = champion === undefined ? undefined : await readVersion(ledgerClient, table, champion);
    if (serving !== undefined && serving.order > newest.order) {
      await stopWaiting(table, waiting.map(({ order }) => order));
      return { ...ignored(`${serving.version}, which is newer, is in production`), superseded: waiting.map((each) => supersededBy(each.version, serving.version)) };
    }
    const name = `${cleanName(newest.version, 40)}-${createHash('sha256').update(execution).digest('hex').slice(0, 16)}`;
    const slot: Slot = {
      execution,
      release: execution,
      version: newest.version,
      modelPackageArn: newest.modelPackageArn,
      order: newest.order,
      acquiredAt: time,
      stagingName: `${name}-staging`,
      releaseName: `${name}-release`,
      superseded: waiting.slice(0, -1).map((each) => supersededBy(each.version, newest.version)),
    };
    const taking = await takeSlot(table, slot, champion);
    if (taking === 'taken') return acquired(event, slot);
    if (looks === MOST_LOOKS) throw named('LedgerContended', `the queue changed ${MOST_LOOKS} times while ${execution} looked at it`);
  }
}

/** With the slot in hand: what serves can be nobody else's work in progress now. */
async function acquired({ table, endpointName, execution }: AcquireEvent, slot: Slot): Promise<Acquired> {
  const good = slot.lastGood === undefined ? await lastGood(table, endpointName, await championOf(table) ?? null) : slot.lastGood;
  if (!await noteInSlot(table, execution, { lastGood: good })) throw slotLost({ execution });
  const gone = new Set([slot.version, ...slot.superseded.map((each) => each.version)]);
  await stopWaiting(table, (await readWaiting(table)).filter((each) => gone.has(each.version)).map((each) => each.order));
  return {
    status: 'acquired',
    slot: { ...slot, lastGood: good },
    fence: { table, execution },
    superseded: slot.superseded,
    previousVersion: good?.version ?? null,
  };
}

/** The config that serves now, unless what is found there was left behind by a release that vanished. */
async function lastGood(table: string, endpointName: string, version: string | null): Promise<GoodConfig | null> {
  const endpoint = await describeEndpoint(endpointName);
  if (endpoint === undefined) return null;
  if (endpoint.EndpointStatus === 'Failed') return await readLastGood(table) ?? null;
  requireInService(endpoint);
  const configName = endpoint.EndpointConfigName ?? '';
  const shadows = (await describeConfig(configName)).ShadowProductionVariants ?? [];
  return shadows.length === 0 ? { configName, version } : await readLastGood(table) ?? null;
}

/** What waits and may be released; what does not wait any more leaves the queue. Oldest first. */
async function stillWaiting(table: string, holder?: Slot): Promise<Waiting[]> {
  const still: Waiting[] = [];
  for (const each of await readWaiting(table)) {
    const record = each.version === holder?.version ? undefined : await readVersion(ledgerClient, table, each.version);
    if (record?.stage === 'Registered') still.push(each);
    else await stopWaiting(table, [each.order]);
  }
  return still;
}

async function championOf(table: string): Promise<string | undefined> {
  return (await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.champion()))?.version;
}

function taken(waiting: readonly Waiting[], holder: Slot, version: string): Acquired {
  if (!waiting.some((each) => each.version === version)) return ignored(`${version} is being released, or has been`);
  return { status: 'waiting', fence: null, superseded: [], reason: `the release of ${holder.version} is under way` };
}

function ignored(reason: string): Acquired {
  return { status: 'ignored', fence: null, superseded: [], reason };
}

function supersededBy(version: string, newer: string): Superseded {
  return { version, reason: `${newer}, which is newer, takes its place` };
}
