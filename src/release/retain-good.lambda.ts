import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { forgetGood, newlyGood, noteGood, readGood, readVersions } from './good-io';
import { ledgerClient, readSlot } from './slot-io';
import { ledgerKeys } from '../domain/ledger';
import { ImageId, imageId, objectKey, retention, Stored, unusedOf } from '../domain/retention';
import { clientFor, perModel } from '../private/model-io';
import { Fence, requireSlot } from '../registry/fence';
import { readItem } from '../registry/ledger-io';
import { deleteAlarms, deleteEndpoint, deleteModels, ownModels, stagingEndpoints } from '../serving/remains-io';
import { describeEndpoint, remove } from '../staging/hosting-io';

export type RetainEvent =
  | {
    action: 'retain';
    fence: Fence;
    endpointName: string;
    /** What models of releases are made with. */
    executionRoleArn: string;
    released: { version: string; endpointConfigName: string };
    keep: number;
    bucketName: string;
    repositoryUri: string;
    time: string;
  }
  | { action: 'forget'; fence: Fence; orders: number[] };

export interface Retained {
  /** Images that nobody needs any more, as a state machine names them to ECR. */
  readonly images: ImageId[];
  /** Releases of which nothing else is left. */
  readonly orders: number[];
}

const s3 = clientFor(S3Client);

/**
 * Keeps the newest good releases, and removes what older ones were made of. Asked by the release that has just ended well, as
 * long as it holds the slot: nobody else changes the endpoint meanwhile.
 */
async function handle(event: RetainEvent): Promise<Retained | Record<string, never>> {
  await requireSlot(event.fence, ledgerClient);
  if (event.action === 'retain') return retain(event);
  for (const order of event.orders) await forgetGood(event.fence.table, order);
  return {};
}

async function retain(event: RetainEvent & { action: 'retain' }): Promise<Retained> {
  const { fence, endpointName, released, bucketName, repositoryUri } = event;
  const { table } = fence;
  const endpoint = await describeEndpoint(endpointName);
  // in service alone says nothing: an endpoint that was rolled back, or moved by somebody, needs what it serves on
  const serves = endpoint?.EndpointStatus === 'InService' && endpoint.EndpointConfigName === released.endpointConfigName
    && endpoint.PendingDeploymentSummary === undefined;
  if (!serves) return { images: [], orders: [] };

  const slot = await readSlot(table);
  const before = slot?.lastGood ?? null;
  // it has served since its release shifted the traffic, some time after it began: an alarm from then on may be about it
  const since = slot?.acquiredAt ?? event.time;
  await note(table, released.version, released.endpointConfigName, since);
  if (before !== null && before.version !== null) await note(table, before.version, before.configName, since);
  const good = await readGood(table);
  await sweep(event, good.flatMap(({ configName, modelName }) => [configName, ...modelName === null ? [] : [modelName]]));
  const result = retention(good, event.keep, [released.endpointConfigName]);
  if (result.old.length === 0) return { images: [], orders: [] };

  const versions = await readVersions(table);
  const last = (await readItem<{ version: string }>(ledgerClient, table, ledgerKeys.registered()))?.version;
  const unused: Stored[] = [];
  for (const old of result.old) {
    await requireSlot(fence, ledgerClient);
    const isShared = result.kept.some(({ modelName }) => modelName === old.modelName);
    await remove({ unlessServedBy: endpointName, configName: old.configName, modelName: isShared ? undefined : old.modelName ?? undefined });
    const stored = unusedOf(old, result, versions, last);
    const Key = objectKey(stored.modelDataUrl, bucketName);
    // without a version of the object: a marker is put on it, and it can be brought back
    if (Key !== undefined) await s3.send(new DeleteObjectCommand({ Bucket: bucketName, Key }));
    unused.push(stored);
  }
  const images = unused.map(({ imageUri }) => imageId(imageUri, repositoryUri)).filter((image) => image !== undefined);
  return {
    images: [...new Map(images.map((image) => [image.ImageTag ?? image.ImageDigest, image])).values()],
    orders: result.old.map(({ order }) => order),
  };
}

/** What earlier releases made, and could not remove when they ended: while this one holds the slot, nobody makes anything. */
async function sweep({ fence, endpointName, executionRoleArn, released }: RetainEvent & { action: 'retain' }, kept: readonly string[]): Promise<void> {
  const left = await ownModels(endpointName, executionRoleArn);
  for (const name of [released.endpointConfigName, ...kept]) left.delete(name);
  await requireSlot(fence, ledgerClient);
  for (const name of await stagingEndpoints(endpointName, left)) await deleteEndpoint(name);
  await deleteAlarms(endpointName);
  await deleteModels(endpointName, left);
}

/** A release that is known already keeps the time since when it is. */
async function note(table: string, version: string, configName: string, since: string): Promise<void> {
  const release = await newlyGood(table, version, configName, since);
  if (release !== undefined) await noteGood(table, release);
}

export const handler = perModel(handle);
