import { ExecutionDoesNotExist, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { deleteAlarms } from './alarms-io';
import { fleetAlarms } from './canary-plan';
import { isRunning } from './execution-io';
import { ledgerClient, News, noteInSlot, readSlot, Slot, Superseded, takeSlotOver } from './slot-io';
import { failureInWords } from '../domain/failure-reason';
import { ledgerKeys } from '../domain/ledger';
import { clientFor, perModel } from '../private/model-io';
import { Fence, requireSlot, slotLost } from '../registry/fence';
import { readItem, readVersion } from '../registry/ledger-io';
import { describeEndpoint } from '../staging/hosting-io';
import { namesFor } from '../staging/hosting-plan';

/** The state machines that a release starts. */
interface Machines {
  readonly stagingMachineArn: string;
  readonly releaseMachineArn: string;
}

/** What the recovery is started with. */
export interface RecoveryInput {
  /** The execution whose release is to be undone: its own, or that of a recovery of it. */
  readonly execution: string;
  /** Why, in words or as the JSON of a failure. */
  readonly reason: string;
  /** What becomes of the version: `RolledBack` where the release is taken back on purpose, `Rejected` where absent. */
  readonly stage?: 'RolledBack' | 'Rejected';
}

export type RecoverEvent =
  | { action: 'takeOver'; table: string; by: string; input: RecoveryInput } & Machines
  | { action: 'stop'; fence: Fence; executions: string[]; reason: string }
  | { action: 'inspect'; fence: Fence; endpointName: string } & Machines
  | { action: 'recreating'; fence: Fence; time: string }
  | { action: 'clean'; fence: Fence; alarmNames: string[] };

/** What has come into the recovery's hands. */
export interface TakenOver {
  /** `nothing`: the slot is not this release's, or somebody recovers it already. `concluded`: only the slot is left. `broken`: all has to be undone. */
  readonly status: 'nothing' | 'concluded' | 'broken';
  /** What every change has to show from now on. */
  readonly fence?: Fence;
  readonly reason?: string;
  /** What becomes of the version. */
  readonly stage?: string;
  /** What was to be told of a release that is concluded. */
  readonly news?: News | null;
  /** The executions that the release may have started. */
  readonly executions?: string[];
  /** Whether nobody can have a change under way that has to be waited for. */
  readonly settled?: boolean;
}

/** What has to be undone. */
export interface Wreck {
  readonly version: string;
  /**
   * What is to be done about the endpoint. `restore`: back to the last good config. `recreate`: it takes no update any more,
   * and is made anew on that config. `remove`: it was made by this release. `leave`: nothing was changed, or it is somebody else's.
   */
  readonly endpoint: 'restore' | 'recreate' | 'remove' | 'leave';
  readonly lastGood: string | null;
  /** The version that is in production again, where the registry says otherwise. */
  readonly restored: string | null;
  readonly superseded: Superseded[];
  /** Endpoint, configs, models and alarms that the release may have made. */
  readonly stagingEndpoint: string;
  readonly shadowConfig: string;
  readonly shadowModel: string;
  readonly releaseConfig: string;
  readonly releaseModel: string;
  readonly alarmNames: string[];
}

const LONGEST_REASON = 500;
const states = clientFor(SFNClient);

async function handle(event: RecoverEvent): Promise<TakenOver | Wreck | { since: string } | Record<string, never>> {
  switch (event.action) {
    case 'takeOver': return takeOver(event);
    case 'stop':
      await requireSlot(event.fence, ledgerClient);
      for (const execution of event.executions) await stop(execution, event.reason);
      return {};
    case 'inspect': return inspect(event);
    case 'recreating': return recreating(event);
    case 'clean':
      await requireSlot(event.fence, ledgerClient);
      await deleteAlarms(event.alarmNames);
      return {};
  }
}

/** From here on only this recovery can change anything. A release loses its slot in any case, another recovery only if it has ended. */
async function takeOver({ table, by, input, ...machines }: RecoverEvent & { action: 'takeOver' }): Promise<TakenOver> {
  const slot = await readSlot(table);
  if (slot === undefined) return { status: 'nothing' };
  // who has only asked for the way back has changed nothing
  const settled = slot.rollback !== undefined && slot.execution === slot.release;
  if (slot.execution !== by) {
    if (slot.execution !== input.execution && slot.release !== input.execution) return { status: 'nothing' };
    if (slot.execution !== slot.release && await isRunning(states, slot.execution)) return { status: 'nothing' };
    if (!await takeSlotOver(table, slot.execution, by, slot.broke ?? whatBroke(input))) return { status: 'nothing' };
  }
  // the one before may have concluded between the look and the taking over
  const { concluded, news, broke, ...mine } = await held({ table, execution: by });
  return {
    status: concluded === undefined ? 'broken' : 'concluded',
    fence: { table, execution: by },
    reason: broke?.reason,
    stage: broke?.stage,
    news: news ?? null,
    executions: mine.rollback === undefined ? Object.values(childrenOf(mine, machines)) : [],
    settled,
  };
}

function whatBroke({ reason, stage }: RecoveryInput): { reason: string; stage: string } {
  const words = failureInWords(reason);
  return { stage: stage ?? 'Rejected', reason: (stage === 'RolledBack' ? words : `the release did not end by itself: ${words}`).slice(0, LONGEST_REASON) };
}

async function inspect({ fence, endpointName, ...machines }: RecoverEvent & { action: 'inspect' }): Promise<Wreck> {
  const slot = await held(fence);
  const { staging, release } = childrenOf(slot, machines);
  const shadow = namesFor(endpointName, slot.version, staging);
  const made = namesFor(endpointName, slot.version, release);
  const released = slot.rollback === undefined ? made : { endpointConfig: slot.rollback.configName, model: slot.rollback.modelName ?? made.model };
  return {
    version: slot.version,
    endpoint: await whatToDo(slot, endpointName, released.endpointConfig),
    lastGood: slot.lastGood?.configName ?? null,
    restored: await notInProduction(fence.table, slot.lastGood?.version ?? null),
    superseded: slot.superseded,
    stagingEndpoint: shadow.stagingEndpoint,
    shadowConfig: shadow.shadowEndpointConfig,
    shadowModel: shadow.model,
    releaseConfig: released.endpointConfig,
    releaseModel: released.model,
    alarmNames: fleetAlarms(released.endpointConfig, { endpointName, productionVariantName: '', maxErrorRate: 0, maxLatencyP95Milliseconds: 0 })
      .map((alarm) => alarm.AlarmName),
  };
}

async function whatToDo(slot: Slot, endpointName: string, releaseConfig: string): Promise<Wreck['endpoint']> {
  const { lastGood } = slot;
  if (lastGood === undefined) return 'leave';
  if (slot.recreating !== undefined) return 'recreate';
  const endpoint = await describeEndpoint(endpointName);
  // an endpoint that somebody has deleted cannot be put back: the next release makes it anew
  if (endpoint === undefined || endpoint.EndpointStatus === 'Deleting') return 'leave';
  const failed = endpoint.EndpointStatus === 'Failed';
  if (lastGood === null) return failed || endpoint.EndpointConfigName === releaseConfig ? 'remove' : 'leave';
  return failed ? 'recreate' : 'restore';
}

/**
 * Notes since when the endpoint does not serve, before it is removed: a recovery that goes on after an interruption finds no
 * endpoint, and must know that it is its own to make.
 */
async function recreating({ fence, time }: RecoverEvent & { action: 'recreating' }): Promise<{ since: string }> {
  const since = (await held(fence)).recreating ?? time;
  if (!await noteInSlot(fence.table, fence.execution, { recreating: since })) throw slotLost(fence);
  return { since };
}

async function held(fence: Fence): Promise<Slot> {
  const slot = await readSlot(fence.table);
  if (slot?.execution !== fence.execution) throw slotLost(fence);
  return slot;
}

/** The version, where the release had already put another one in its place before it broke. */
async function notInProduction(table: string, version: string | null): Promise<string | null> {
  if (version === null) return null;
  const champion = await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.champion());
  const record = await readVersion(ledgerClient, table, version);
  return record === undefined || (champion?.version === version && record.stage === 'Production') ? null : version;
}

function childrenOf(slot: Slot, { stagingMachineArn, releaseMachineArn }: Machines): { staging: string; release: string } {
  return { staging: executionOf(stagingMachineArn, slot.stagingName), release: executionOf(releaseMachineArn, slot.releaseName) };
}

function executionOf(machineArn: string, name: string): string {
  return `${machineArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** An execution that has ended, or was never started, needs no stopping. */
async function stop(executionArn: string, cause: string): Promise<void> {
  try {
    await states.send(new StopExecutionCommand({ executionArn, error: 'ReleaseRecovered', cause }));
  } catch (error) {
    if (!(error instanceof ExecutionDoesNotExist) && !(error instanceof Error && error.name === 'ExecutionDoesNotExist')) throw error;
  }
}

export const handler = perModel(handle);
