import { JsonObject } from './attribute-values';
import { VersionRecord } from './ledger';

/** A config under which the endpoint served well, and what it is made of. */
export interface GoodRelease extends JsonObject {
  readonly configName: string;
  /** Null where the config says of no single model. */
  readonly modelName: string | null;
  readonly version: string;
  /** Order of the version. */
  readonly order: number;
  /** Since when the endpoint serves on it, ISO 8601. */
  readonly since: string;
}

/** The error of a rollback that has no good release to go back to. */
export const NOTHING_TO_GO_BACK_TO = 'NothingToGoBackTo';

/** What of a version takes room: its model data, as an S3 URI, and its image. */
export interface Stored {
  readonly modelDataUrl?: string;
  readonly imageUri?: string;
}

export interface Retention {
  /** Newest first. */
  readonly kept: GoodRelease[];
  /** Oldest first: what is removed first is missed least. */
  readonly old: GoodRelease[];
}

/** Stages in which a version serves, or may still come to. */
const ALIVE: readonly string[] = ['Registered', 'Staging', 'Canary', 'Production'];

/** The newest `keep` releases and those whose config is in use are kept. */
export function retention(good: readonly GoodRelease[], keep: number, configsInUse: readonly (string | undefined)[]): Retention {
  const newestFirst = [...good].sort((a, b) => b.order - a.order);
  const kept = newestFirst.filter(({ configName }, i) => i < keep || configsInUse.includes(configName));
  return { kept, old: newestFirst.filter((release) => !kept.includes(release)).reverse() };
}

/**
 * What of an old version nobody needs: not a version that is kept, not one that may still be released, and not `last`, the
 * version registered last, whose image the next data are trained with.
 */
export function unusedOf(old: GoodRelease, { kept }: Retention, versions: readonly VersionRecord[], last: string | undefined): Stored {
  const mine = versions.find(({ version }) => version === old.version);
  if (mine === undefined) return {};
  const needed = versions.filter(({ version, stage }) => version !== old.version
    && (version === last || ALIVE.includes(stage) || kept.some((release) => release.version === version)));
  const alive = ALIVE.includes(mine.stage) || mine.version === last || kept.some((release) => release.version === mine.version);
  if (alive) return {};
  return {
    ...(needed.some(({ modelDataUrl }) => modelDataUrl === mine.modelDataUrl) ? {} : { modelDataUrl: mine.modelDataUrl }),
    ...(needed.some(({ imageUri }) => imageUri === mine.imageUri) ? {} : { imageUri: mine.imageUri }),
  };
}

/** An image by its tag or its digest. */
export interface ImageId {
  readonly ImageTag?: string;
  readonly ImageDigest?: string;
}

/** Tag or digest of an image of the repository; undefined where it is another's. */
export function imageId(imageUri: string | undefined, repositoryUri: string): ImageId | undefined {
  if (imageUri?.startsWith(`${repositoryUri}@`)) return { ImageDigest: imageUri.slice(repositoryUri.length + 1) };
  if (imageUri?.startsWith(`${repositoryUri}:`)) return { ImageTag: imageUri.slice(repositoryUri.length + 1) };
  return undefined;
}

/** Key of an object of the bucket; undefined where it is in another. */
export function objectKey(uri: string | undefined, bucket: string): string | undefined {
  return uri?.startsWith(`s3://${bucket}/`) ? uri.slice(`s3://${bucket}/`.length) : undefined;
}
