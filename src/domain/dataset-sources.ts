/** A file of a source as it was when a run listed it. */
export interface DatasetFile {
  /** Where it lies, below the source's URI. */
  readonly path: string;
  readonly etag: string;
  /** Version of the object; absent where its bucket keeps none. */
  readonly versionId?: string;
  readonly bytes: number;
  /** When it was written, ISO 8601. */
  readonly modified: string;
}

/** Where the rows of a dataset version came from. */
export interface DatasetOrigin {
  readonly uri: string;
  readonly objects?: number;
  readonly bytes?: number;
  readonly newest?: string;
  readonly query?: string;
  /** The files that the rows came from. */
  readonly files?: DatasetFile[];
}

/** How a pipeline reads its source: all of it for each version, or what no version has been made of. */
export type DatasetReading = 'everything' | 'newFiles';

/** What a run is to read, as it was decided before its job started. */
export interface ReadingPlan {
  readonly reading: DatasetReading;
  /** Read by this run. */
  readonly files: DatasetFile[];
  /** Read by earlier runs; the last version holds their rows. */
  readonly kept: DatasetFile[];
  /** Columns that tell rows apart: a new row takes the place of the earlier one. */
  readonly key?: string[];
}

const same = (one: DatasetFile, other: DatasetFile | undefined): boolean => one.path === other?.path && one.etag === other.etag;
const byPath = (files: readonly DatasetFile[]): Map<string, DatasetFile> => new Map(files.map((file) => [file.path, file]));

/**
 * Chooses what to read. Where only new files are read, a file is new by its content and not by its name or its time: one
 * that arrives late under an older name is read, and so is one that was overwritten. What was read and is gone stays read.
 */
export function planReading(
  listed: readonly DatasetFile[], read: readonly DatasetFile[] | undefined, reading: DatasetReading, key?: string[],
): ReadingPlan {
  if (reading === 'everything' || read === undefined) return { reading, files: [...listed], kept: [], ...(key === undefined ? {} : { key }) };
  const before = byPath(read);
  const files = listed.filter((file) => !same(file, before.get(file.path)));
  const replaced = byPath(files);
  return { reading, files, kept: read.filter(({ path }) => !replaced.has(path)), ...(key === undefined ? {} : { key }) };
}

/** Files that a run has read, or what changed while it did. */
export type FilesRead = { readonly files: DatasetFile[] } | { readonly changed: string[] };

/**
 * What was read: the plan, held against how the source looks after the job, and against what Spark opened where it can
 * tell. A file that was overwritten meanwhile may have been read in either form; then nobody knows, and the run repeats.
 */
export function filesRead(plan: ReadingPlan, now: readonly DatasetFile[], opened?: readonly string[]): FilesRead {
  const present = byPath(now);
  const wasOpened = opened === undefined ? undefined : new Set(opened);
  const changed = plan.files.filter((file) => {
    const found = present.get(file.path);
    if (wasOpened !== undefined && !wasOpened.has(file.path)) return plan.reading === 'newFiles' && !same(file, found);
    // removed after it was opened: it was read as planned
    if (found === undefined) return wasOpened === undefined;
    return !same(file, found);
  });
  if (changed.length > 0) return { changed: changed.map(({ path }) => path) };
  if (plan.reading === 'newFiles') return { files: [...plan.kept, ...plan.files] };
  if (wasOpened === undefined) return { files: plan.files };
  const planned = byPath(plan.files);
  const arrived = now.filter(({ path }) => !planned.has(path));
  return { files: [...plan.files, ...arrived].filter(({ path }) => wasOpened.has(path)) };
}

/** A source with the files that were read of it. */
export function originOf(uri: string, files: DatasetFile[]): DatasetOrigin {
  const newest = files.reduce((latest, { modified }) => modified > latest ? modified : latest, '');
  return { uri, objects: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), ...(newest === '' ? {} : { newest }), files };
}

/** UTC time as folders and versions are named by, e.g. `20130401T000000000Z`. */
export function stampOf(time: string): string {
  return new Date(time).toISOString().replace(/[-:.]/g, '');
}
