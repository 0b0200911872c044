import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateModelPackageCommand, DescribeModelPackageCommand, ListModelPackagesCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { isConditionFailure, LedgerClient, named, readVersion, untilUncontended } from './ledger-io';
import { toAttribute, toItem } from '../domain/attribute-values';
import { ModelRegistered } from '../domain/events';
import { ledgerKeys, normalTime, VersionRecord } from '../domain/ledger';
import { descriptionText, PACKAGE_STAGES, packageMetadata, registrationToken } from '../domain/model-package';
import { releaseAccount } from '../domain/release-account';

export type RegistryClient = Pick<SageMakerClient, 'send'>;

export interface Ledger {
  readonly client: LedgerClient;
  readonly table: string;
}

export interface PackageGroup {
  readonly client: RegistryClient;
  readonly group: string;
}

/** Clocks differ: a package may seem older than the number it carries. */
const CLOCK_SKEW = 10 * 60_000;

/**
 * Makes the model package of an allocated version and enters it in the ledger, or finds the one that an earlier try
 * made. Any run may finish any version: the package is made from the ledger's record, not from the caller's input, and
 * carries a token of its own.
 */
export async function registerPackage(ledger: Ledger, group: PackageGroup, version: string): Promise<VersionRecord> {
  const record = await readVersion(ledger.client, ledger.table, version);
  if (record === undefined) throw named('UnknownVersion', `the ledger has no version ${version}`);
  if (record.status === 'abandoned') throw named('VersionAbandoned', `${version} was given up: ${record.reason}`);
  const modelPackageArn = record.modelPackageArn ?? await findPackage(group, record) ?? await createPackage(group, record);
  await confirm(ledger, record, modelPackageArn);
  return { ...record, modelPackageArn, status: 'registered' };
}

/** The detail of the event that tells of the registration. */
export function registrationEvent(model: string, record: VersionRecord, time: string): ModelRegistered {
  const { version, cause, commit, dataset, evaluation } = record;
  return { model, version, modelPackageArn: record.modelPackageArn ?? '', cause, commit, dataset, evaluation, time: normalTime(time) };
}

/** Notes that the event is out, so that no later run sends it again. */
export async function markAnnounced(ledger: Ledger, version: string, time: string): Promise<void> {
  await untilUncontended(`noting that ${version} was announced`, () => ledger.client.send(new UpdateItemCommand({
    TableName: ledger.table,
    Key: toItem(ledgerKeys.version(version)),
    UpdateExpression: 'SET announcedAt = if_not_exists(announcedAt, :time)',
    ConditionExpression: 'attribute_exists(pk)',
    ExpressionAttributeValues: { ':time': toAttribute(normalTime(time)) },
  })));
}

/**
 * Gives a number up whose package could not be made by the run that it belongs to. The number stays given; a later run
 * of the same commit and dataset may take it up.
 */
export async function abandonVersion(ledger: Ledger, version: string, run: string, reason: string, time: string): Promise<void> {
  const change = { stage: 'Rejected', reason: `the model package could not be made: ${reason}`, time: normalTime(time) };
  try {
    await untilUncontended(`giving ${version} up`, () => ledger.client.send(new UpdateItemCommand({
      TableName: ledger.table,
      Key: toItem(ledgerKeys.version(version)),
      UpdateExpression: 'SET #status = :abandoned, #stage = :stage, #reason = :reason, #history = list_append(#history, :change)',
      ConditionExpression: '#status = :allocated AND #run = :run',
      ExpressionAttributeNames: { '#status': 'status', '#run': 'run', '#stage': 'stage', '#reason': 'reason', '#history': 'history' },
      ExpressionAttributeValues: {
        ':abandoned': toAttribute('abandoned'),
        ':allocated': toAttribute('allocated'),
        ':run': toAttribute(run),
        ':stage': toAttribute(change.stage),
        ':reason': toAttribute(change.reason),
        ':change': toAttribute([change]),
      },
    })));
  } catch (error) {
    // registered or taken over by another run meanwhile, or given up by an earlier try: there is nothing to give up
    if (!isConditionFailure(error)) throw error;
  }
}

async function createPackage({ client, group }: PackageGroup, record: VersionRecord): Promise<string> {
  const token = registrationToken(group, record);
  const { approval, stageStatus } = PACKAGE_STAGES.Registered;
  const { ModelPackageArn } = await client.send(new CreateModelPackageCommand({
    ModelPackageGroupName: group,
    ClientToken: token,
    ModelPackageDescription: descriptionText(`${record.version}: commit ${record.commit} trained on dataset ${record.dataset}`),
    ModelApprovalStatus: approval,
    ModelLifeCycle: { Stage: 'Registered', StageStatus: stageStatus, StageDescription: releaseAccount(record) },
    InferenceSpecification: {
      Containers: [{ Image: record.imageUri, ModelDataUrl: record.modelDataUrl }],
      SupportedContentTypes: ['text/csv', 'application/json'],
      SupportedResponseMIMETypes: ['text/csv', 'application/json'],
    },
    ...(record.evaluationUri === undefined ? {} : {
      ModelMetrics: { ModelQuality: { Statistics: { ContentType: 'application/json', S3Uri: record.evaluationUri } } },
    }),
    MetadataProperties: { CommitId: record.commit, GeneratedBy: record.run },
    CustomerMetadataProperties: packageMetadata(record, token),
    Domain: 'MACHINE_LEARNING',
    Task: 'REGRESSION',
  }));
  if (ModelPackageArn === undefined) throw named('NoModelPackage', `SageMaker answered without an ARN for ${record.version}`);
  return ModelPackageArn;
}

/** The package that an earlier try of the same registration made, where its answer was lost. */
async function findPackage({ client, group }: PackageGroup, record: VersionRecord): Promise<string | undefined> {
  const token = registrationToken(group, record);
  let page: string | undefined;
  do {
    const answer = await client.send(new ListModelPackagesCommand({
      ModelPackageGroupName: group,
      CreationTimeAfter: new Date(Date.parse(record.createdAt) - CLOCK_SKEW),
      SortBy: 'CreationTime',
      SortOrder: 'Descending',
      NextToken: page,
    }));
    for (const { ModelPackageArn } of answer.ModelPackageSummaryList ?? []) {
      const made = await client.send(new DescribeModelPackageCommand({ ModelPackageName: ModelPackageArn }));
      if (made.CustomerMetadataProperties?.registration === token) return ModelPackageArn;
    }
    page = answer.NextToken;
  } while (page !== undefined);
  return undefined;
}

/** Two writes, each of which may be repeated. */
async function confirm(ledger: Ledger, record: VersionRecord, modelPackageArn: string): Promise<void> {
  const { client, table } = ledger;
  const { version, order, attempt } = record;
  await untilUncontended(`entering the model package of ${version}`, () => client.send(new UpdateItemCommand({
    TableName: table,
    Key: toItem(ledgerKeys.version(version)),
    UpdateExpression: 'SET #status = :registered, modelPackageArn = if_not_exists(modelPackageArn, :arn), account = if_not_exists(account, :account)',
    ConditionExpression: '#attempt = :attempt AND #status IN (:allocated, :registered)',
    ExpressionAttributeNames: { '#status': 'status', '#attempt': 'attempt' },
    ExpressionAttributeValues: {
      ':registered': toAttribute('registered'),
      ':allocated': toAttribute('allocated'),
      ':attempt': toAttribute(attempt),
      ':arn': toAttribute(modelPackageArn),
      ':account': toAttribute(releaseAccount(record)),
    },
  })));
  try {
    await untilUncontended(`noting ${version} as the last registered`, () => client.send(new UpdateItemCommand({
      TableName: table,
      Key: toItem(ledgerKeys.registered()),
      UpdateExpression: 'SET version = :version, #order = :order',
      ConditionExpression: 'attribute_not_exists(pk) OR #order <= :order',
      ExpressionAttributeNames: { '#order': 'order' },
      ExpressionAttributeValues: { ':version': toAttribute(version), ':order': toAttribute(order) },
    })));
  } catch (error) {
    // a later number was registered first: it stays the last
    if (!isConditionFailure(error)) throw error;
  }
}
