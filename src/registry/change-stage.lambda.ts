import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { Fence, requireSlot } from './fence';
import { named, readVersion } from './ledger-io';
import { changeStage } from './stage-change';
import { JsonObject } from '../domain/attribute-values';
import { isLifecycleStage, LIFECYCLE_STAGES, StageChange } from '../domain/ledger';
import { clientFor, perModel, setting } from '../private/model-io';

/** What the lifecycle function takes. */
export interface StageChangeEvent {
  readonly version: string;
  readonly stage: string;
  readonly reason: string;
  /** What the stage was decided on, kept in the version's history. */
  readonly detail?: JsonObject;
  /** ISO 8601. */
  readonly time: string;
  /** A version that is at the stage already came there by what was asked before: that is finished, and nothing is added. */
  readonly once?: boolean;
  /** The release that the change is part of: one that has lost its slot changes nothing. */
  readonly fence?: Fence | null;
}

export interface StageChangeResult {
  readonly version: string;
  readonly stage: string;
  readonly modelPackageArn?: string;
  /** What was judged and decided, in words. */
  readonly account?: string;
}

const dynamo = clientFor(DynamoDBClient);
const sagemaker = clientFor(SageMakerClient);

async function handle(event: StageChangeEvent): Promise<StageChangeResult> {
  const { version, stage, reason, detail, time } = event;
  if (!isLifecycleStage(stage)) throw named('InvalidStage', `no stage '${stage}', expected one of ${LIFECYCLE_STAGES.join(', ')}`);
  await requireSlot(event.fence, dynamo);
  const ledger = { client: dynamo, table: setting('LEDGER_TABLE') ?? '' };
  const earlier = event.once === true ? (await readVersion(dynamo, ledger.table, version))?.history.at(-1) : undefined;
  const change: StageChange = earlier?.stage === stage ? earlier : { stage, reason: reason ?? 'no reason given', time, ...(detail ? { detail } : {}) };
  const record = await changeStage(ledger, { client: sagemaker }, version, change);
  return { version, stage, modelPackageArn: record.modelPackageArn, account: record.account };
}

export const handler = perModel(handle);
