import { DeleteItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { UpdateModelPackageCommand } from '@aws-sdk/client-sagemaker';
import { isConditionFailure, named, readVersion, untilUncontended } from './ledger-io';
import { Ledger, PackageGroup } from './package-registration';
import { toAttribute, toItem } from '../domain/attribute-values';
import { ledgerKeys, normalTime, StageChange, VersionRecord } from '../domain/ledger';
import { descriptionText, metadataSummary, PACKAGE_STAGES } from '../domain/model-package';
import { releaseAccount } from '../domain/release-account';

/**
 * Moves a version to a stage: in the ledger's record and its history, in the note of which version is in production,
 * and with its account on the model package. Each write may be repeated, so that a change that stopped half way is finished by its retry.
 */
export async function changeStage(ledger: Ledger, registry: Pick<PackageGroup, 'client'>, version: string, wanted: StageChange): Promise<VersionRecord> {
  const change = { ...wanted, time: normalTime(wanted.time) };
  await enter(ledger, version, change);
  await noteChampion(ledger, version, change);
  const record = await readVersion(ledger.client, ledger.table, version);
  if (record === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  const account = releaseAccount(record);
  await keepAccount(ledger, record, account);
  if (record.modelPackageArn !== undefined) await updatePackage(registry, record.modelPackageArn, change, account);
  return { ...record, account };
}

async function enter({ client, table }: Ledger, version: string, change: StageChange): Promise<void> {
  const mark = `${change.time} ${change.stage}`;
  try {
    await untilUncontended(`moving ${version} to ${change.stage}`, () => client.send(new UpdateItemCommand({
      TableName: table,
      Key: toItem(ledgerKeys.version(version)),
      UpdateExpression: 'SET #stage = :stage, #reason = :reason, #history = list_append(#history, :change) ADD changes :marks',
      ConditionExpression: 'attribute_exists(pk) AND NOT contains(changes, :mark)',
      ExpressionAttributeNames: { '#stage': 'stage', '#reason': 'reason', '#history': 'history' },
      ExpressionAttributeValues: {
        ':stage': toAttribute(change.stage),
        ':reason': toAttribute(change.reason),
        ':change': toAttribute([{ ...change }]),
        ':mark': toAttribute(mark),
        ':marks': { SS: [mark] },
      },
    })));
  } catch (error) {
    if (!isConditionFailure(error)) throw error;
    // entered by an earlier try, unless there is no such version
    if (await readVersion(client, table, version) === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  }
}

/** The account belongs to the history that it was made from: where that has grown meanwhile, another change makes its own. */
async function keepAccount({ client, table }: Ledger, { version, history }: VersionRecord, account: string): Promise<void> {
  try {
    await untilUncontended(`keeping the account of ${version}`, () => client.send(new UpdateItemCommand({
      TableName: table,
      Key: toItem(ledgerKeys.version(version)),
      UpdateExpression: 'SET account = :account',
      ConditionExpression: 'size(#history) = :length',
      ExpressionAttributeNames: { '#history': 'history' },
      ExpressionAttributeValues: { ':account': toAttribute(account), ':length': toAttribute(history.length) },
    })));
  } catch (error) {
    if (!isConditionFailure(error)) throw error;
  }
}

/** An older change that comes late must not undo a newer one: the later time wins. */
async function noteChampion({ client, table }: Ledger, version: string, { stage, time }: StageChange): Promise<void> {
  const key = toItem(ledgerKeys.champion());
  const names = { '#time': 'time' };
  try {
    await untilUncontended(`noting what ${version} means for production`, async () => {
      if (stage === 'Production') {
        await client.send(new PutItemCommand({
          TableName: table,
          Item: { ...key, ...toItem({ version, time }) },
          ConditionExpression: 'attribute_not_exists(pk) OR #time <= :time',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: { ':time': toAttribute(time) },
        }));
      } else {
        await client.send(new DeleteItemCommand({
          TableName: table,
          Key: key,
          ConditionExpression: 'version = :version AND #time <= :time',
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: { ':version': toAttribute(version), ':time': toAttribute(time) },
        }));
      }
    });
  } catch (error) {
    if (!isConditionFailure(error)) throw error;
  }
}

async function updatePackage(
  { client }: Pick<PackageGroup, 'client'>, arn: string, { stage, reason, time }: StageChange, account: string,
): Promise<void> {
  const { approval, stageStatus } = PACKAGE_STAGES[stage];
  await client.send(new UpdateModelPackageCommand({
    ModelPackageArn: arn,
    ModelApprovalStatus: approval,
    ApprovalDescription: account,
    ModelLifeCycle: { Stage: stage, StageStatus: stageStatus, StageDescription: descriptionText(reason) },
    CustomerMetadataProperties: { stage, stageSince: time, verdict: metadataSummary(reason) || 'none' },
  }));
}
