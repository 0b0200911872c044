import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { Fence, requireSlot } from './fence';
import { named } from './ledger-io';
import { changeStage } from './stage-change';
import { JsonObject } from '../domain/attribute-values';
import { isLifecycleStage, LIFECYCLE_STAGES } from '../domain/ledger';

/** What the lifecycle function takes. */
export interface StageChangeEvent {
  readonly version: string;
  readonly stage: string;
  readonly reason: string;
  /** What the stage was decided on, kept in the version's history. */
  readonly detail?: JsonObject;
  /** ISO 8601. */
  readonly time: string;
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

const dynamo = new DynamoDBClient({});
const sagemaker = new SageMakerClient({});

export async function handler(event: StageChangeEvent): Promise<StageChangeResult> {
  const { version, stage, reason, detail, time } = event;
  if (!isLifecycleStage(stage)) throw named('InvalidStage', `no stage '${stage}', expected one of ${LIFECYCLE_STAGES.join(', ')}`);
  await requireSlot(event.fence, dynamo);
  const ledger = { client: dynamo, table: process.env.LEDGER_TABLE ?? '' };
  const record = await changeStage(ledger, { client: sagemaker }, version, { stage, reason: reason ?? 'no reason given', time, ...(detail ? { detail } : {}) });
  return { version, stage, modelPackageArn: record.modelPackageArn, account: record.account };
}
