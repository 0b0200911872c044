import { ExecutionDoesNotExist, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { deleteAlarms } from './alarms-io';
import { fleetAlarms } from './canary-plan';
import { ledgerClient, readSlot } from './slot-io';
import { failureInWords } from '../domain/failure-reason';
import { ledgerKeys } from '../domain/ledger';
import { readItem, readVersion } from '../registry/ledger-io';
import { describeEndpoint } from '../staging/hosting-io';
import { namesFor } from '../staging/hosting-plan';

export type RecoverEvent =
  | { action: 'inspect'; table: string; endpointName: string; execution: string; reason: string; stagingMachineArn: string; releaseMachineArn: string }
  | { action: 'stop'; executions: string[]; reason: string }
  | { action: 'clean'; alarmNames: string[] };

/** What has to be undone, if anything. */
export interface Wreck {
  /** `nothing`: the slot is not this execution's. `concluded`: only the slot is left. `broken`: everything has to be undone. */
  readonly status: 'nothing' | 'concluded' | 'broken';
  readonly version?: string;
  readonly reason?: string;
  /** The config to go back to; null where there was none, or there is no endpoint any more. */
  readonly lastGood?: string | null;
  /** The version that is in production again, where the registry says otherwise. */
  readonly restored?: string | null;
  readonly executions?: string[];
  /** Endpoint, configs, models and alarms that the release may have made. */
  readonly stagingEndpoint?: string;
  readonly shadowConfig?: string;
  readonly shadowModel?: string;
  readonly releaseConfig?: string;
  readonly releaseModel?: string;
  readonly alarmNames?: string[];
}

const LONGEST_REASON = 500;
const states = new SFNClient({});

export async function handler(event: RecoverEvent): Promise<Wreck | Record<string, never>> {
  switch (event.action) {
    case 'inspect': return inspect(event);
    case 'stop':
      for (const execution of event.executions) await stop(execution, event.reason);
      return {};
    case 'clean':
      await deleteAlarms(event.alarmNames);
      return {};
  }
}

async function inspect(event: RecoverEvent & { action: 'inspect' }): Promise<Wreck> {
  const { table, endpointName, execution } = event;
  const slot = await readSlot(table);
  if (slot?.execution !== execution) return { status: 'nothing' };
  if (slot.concluded !== undefined) return { status: 'concluded' };
  const staging = executionOf(event.stagingMachineArn, slot.stagingName);
  const release = executionOf(event.releaseMachineArn, slot.releaseName);
  const endpoint = await describeEndpoint(endpointName);
  const shadow = namesFor(endpointName, slot.version, staging);
  const released = namesFor(endpointName, slot.version, release);
  return {
    status: 'broken',
    version: slot.version,
    reason: `the release did not end by itself: ${failureInWords(event.reason)}`.slice(0, LONGEST_REASON),
    // an endpoint that somebody has deleted cannot be put back: the next release makes it anew
    lastGood: endpoint === undefined || endpoint.EndpointStatus === 'Deleting' ? null : slot.lastGood?.configName ?? null,
    restored: await notInProduction(table, slot.lastGood?.version ?? null),
    executions: [staging, release],
    stagingEndpoint: shadow.stagingEndpoint,
    shadowConfig: shadow.shadowEndpointConfig,
    shadowModel: shadow.model,
    releaseConfig: released.endpointConfig,
    releaseModel: released.model,
    alarmNames: fleetAlarms(released.endpointConfig, { endpointName, productionVariantName: '', maxErrorRate: 0, maxLatencyP95Milliseconds: 0 })
      .map((alarm) => alarm.AlarmName),
  };
}

/** The version, where the release had already put another one in its place before it broke. */
async function notInProduction(table: string, version: string | null): Promise<string | null> {
  if (version === null) return null;
  const champion = await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.champion());
  const record = await readVersion(ledgerClient, table, version);
  return record === undefined || (champion?.version === version && record.stage === 'Production') ? null : version;
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
