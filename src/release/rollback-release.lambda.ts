import { createHash } from 'crypto';
import { readGood } from './good-io';
import { ledgerClient, readSlot, Slot, takeSlotBack } from './slot-io';
import { GoodRelease } from '../domain/retention';
import { perModel } from '../private/model-io';
import { readVersion } from '../registry/ledger-io';
import { describeEndpoint } from '../staging/hosting-io';
import { namesFor } from '../staging/hosting-plan';

export interface RollbackEvent {
  readonly table: string;
  readonly endpointName: string;
  /** The rollback's own execution. */
  readonly execution: string;
  /** What it was started with: `at` is when the cause came up, ISO 8601. */
  readonly input: { readonly reason?: unknown; readonly at?: unknown };
  /** When it was started, ISO 8601. */
  readonly startedAt: string;
  readonly time: string;
  readonly releaseMachineArn: string;
}

/**
 * `taken`: the slot is held for the way back. `undo`: a release is under way and is to be undone first. `wait`: somebody is
 * about to free the slot. `nothing`: it is done, or there is nothing to do. `impossible`: there is no good release to go back to.
 */
export interface RollbackPlan {
  readonly status: 'taken' | 'undo' | 'wait' | 'nothing' | 'impossible';
  readonly reason: string;
  /** The version that is in production, or being released; `none` where that is not known. */
  readonly version: string;
  /** The release to be undone, what becomes of its version, and whether production is back with that. */
  readonly holder?: string;
  readonly stage?: 'RolledBack' | 'Rejected';
  readonly suffices?: boolean;
}

const LONGEST_REASON = 500;

/** Decides what a rollback has to do next, and takes the slot for it where it is free. */
async function handle(event: RollbackEvent): Promise<RollbackPlan> {
  const { table, execution } = event;
  const reason = (typeof event.input.reason === 'string' && event.input.reason !== '' ? event.input.reason : 'no reason given').slice(0, LONGEST_REASON);
  const slot = await readSlot(table);
  if (slot?.execution === execution) return { status: 'taken', reason, version: slot.version };
  if (slot?.release === execution) return { status: 'nothing', reason, version: slot.version };
  return slot === undefined ? goBack(event, reason) : undo(event, slot, reason);
}

async function goBack({ table, endpointName, execution, input, startedAt, time }: RollbackEvent, reason: string): Promise<RollbackPlan> {
  const endpoint = await describeEndpoint(endpointName);
  const configName = endpoint?.EndpointConfigName ?? '';
  const good = (await readGood(table)).sort((a, b) => b.order - a.order);
  const present = good.find((release) => release.configName === configName);
  if (endpoint === undefined || present === undefined) {
    return { status: 'impossible', version: 'none', reason: `${reason}; the endpoint ${endpointName} is on no config that a release has brought into production` };
  }
  const { version } = present;
  const at = typeof input.at === 'string' && !Number.isNaN(Date.parse(input.at)) ? input.at : startedAt;
  // of two alarms for one cause the second must not go back once more
  if (Date.parse(present.since) > Date.parse(at)) return { status: 'nothing', reason, version };
  const target = good.find(({ order }) => order < present.order);
  if (target === undefined) return { status: 'impossible', version, reason: `${reason}; there is no good release before ${version} to go back to` };
  const record = await readVersion(ledgerClient, table, version);
  const name = createHash('sha256').update(execution).digest('hex').slice(0, 32);
  const taken = await takeSlotBack(table, {
    execution,
    release: execution,
    version,
    modelPackageArn: record?.modelPackageArn ?? '',
    order: present.order,
    acquiredAt: time,
    stagingName: `${name}-staging`,
    releaseName: `${name}-release`,
    lastGood: { configName: target.configName, version: target.version },
    superseded: [],
    broke: { reason, stage: 'RolledBack' },
    rollback: { configName: present.configName, modelName: ownModel(present, target) },
  });
  return { status: taken ? 'taken' : 'wait', reason, version };
}

/** What is under way is undone; a release whose version serves already is all that has to be. */
async function undo({ endpointName, releaseMachineArn }: RollbackEvent, slot: Slot, reason: string): Promise<RollbackPlan> {
  const { version } = slot;
  // it ends by itself, or somebody is at it already
  if (slot.concluded !== undefined || slot.execution !== slot.release || slot.rollback !== undefined) return { status: 'wait', reason, version };
  const execution = `${releaseMachineArn.replace(':stateMachine:', ':execution:')}:${slot.releaseName}`;
  const { endpointConfig } = namesFor(endpointName, version, execution);
  const endpoint = await describeEndpoint(endpointName);
  const suffices = [endpoint?.EndpointConfigName, endpoint?.PendingDeploymentSummary?.EndpointConfigName].includes(endpointConfig);
  return { status: 'undo', reason, version, holder: slot.release, stage: suffices ? 'RolledBack' : 'Rejected', suffices };
}

function ownModel(present: GoodRelease, target: GoodRelease): string | null {
  return present.modelName === target.modelName ? null : present.modelName;
}

export const handler = perModel(handle);
