import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { allocateVersion } from './allocation';
import { named, readItem } from './ledger-io';
import { abandonVersion, Ledger, markAnnounced, registerPackage, registrationEvent } from './package-registration';
import { candidateOf, rejectedOf } from './registry-candidate';
import { recordRejection, rejectionEvent } from './rejection';
import { JsonObject } from '../domain/attribute-values';
import { ledgerKeys, RunRecord } from '../domain/ledger';
import { clientFor, perModel, setting as optional } from '../private/model-io';

/** One step of the registration state machine. */
export interface RegistrationStep {
  readonly step: 'allocate' | 'register' | 'announced' | 'abandon' | 'reject';
  /** When the step was entered, ISO 8601. */
  readonly time: string;
  /** The state machine's input; for `allocate` and `reject`. */
  readonly candidate?: JsonObject;
  /** For all other steps. */
  readonly version?: string;
  readonly run?: string;
  /** For `abandon`. */
  readonly reason?: string;
}

const dynamo = clientFor(DynamoDBClient);
const sagemaker = clientFor(SageMakerClient);

async function handle(event: RegistrationStep): Promise<object> {
  const ledger: Ledger = { client: dynamo, table: setting('LEDGER_TABLE') };
  const { time } = event;
  switch (event.step) {
    case 'allocate': return allocateVersion(dynamo, ledger.table, candidateOf(event.candidate ?? {}), time);
    case 'register': return register(ledger, versionOf(event), event.run ?? '', time);
    case 'announced':
      await markAnnounced(ledger, versionOf(event), time);
      return {};
    case 'abandon':
      await abandonVersion(ledger, versionOf(event), event.run ?? '', event.reason ?? 'no reason given', time);
      return {};
    case 'reject': {
      const rejection = await recordRejection(ledger, rejectedOf(event.candidate ?? {}), time);
      return { rejected: true, reason: rejection.reason, event: rejectionEvent(setting('MODEL_NAME'), rejection) };
    }
    default: throw named('UnknownStep', `no step '${String(event.step)}' in a registration`);
  }
}

async function register(ledger: Ledger, version: string, run: string, time: string): Promise<object> {
  const record = await registerPackage(ledger, { client: sagemaker, group: setting('MODEL_PACKAGE_GROUP') }, version);
  const ours = await readItem<RunRecord>(ledger.client, ledger.table, ledgerKeys.run(run));
  return {
    version,
    modelPackageArn: record.modelPackageArn,
    cause: record.cause,
    created: ours?.created === true,
    // a run that found the version unannounced tells of it, whoever gave the number: the run that did may be dead
    announce: record.announcedAt === undefined,
    event: registrationEvent(setting('MODEL_NAME'), record, time),
  };
}

function versionOf({ version, step }: RegistrationStep): string {
  if (version === undefined) throw named('InvalidStep', `the step '${step}' needs a version`);
  return version;
}

function setting(name: string): string {
  const value = optional(name);
  if (value === undefined) throw named('InvalidStep', `there is no setting ${name}`);
  return value;
}

export const handler = perModel(handle);
