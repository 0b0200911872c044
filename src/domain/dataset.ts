import { DatasetFile, DatasetOrigin } from './dataset-sources';

/** What a data pipeline's job says it made; the publication decides by it. */
export interface DatasetCandidate {
  readonly dataset: string;
  /** When the run started, ISO 8601. */
  readonly time: string;
  readonly version: string;
  readonly contentHash: string;
  /** The content is the latest version's, hence was not written again. */
  readonly unchanged: boolean;
  readonly rows: { readonly train: number; readonly holdout: number };
  readonly schema: DatasetColumn[];
  readonly target: string;
  readonly split: DatasetSplit;
  readonly quality: { readonly passed: boolean; readonly rules: DatasetRuleResult[] };
  /** SHA-256 of the team's script. */
  readonly scriptHash?: string;
  /** Files that Spark opened, below the source's URI; null where it cannot tell. */
  readonly files?: string[] | null;
}

export interface DatasetColumn {
  readonly name: string;
  readonly type: string;
}

/** How rows were held out: by time (from a moment on), or by a hash of the row where there is no time column. */
export interface DatasetSplit {
  readonly method: 'time' | 'hash';
  readonly share: number;
  readonly column?: string;
  readonly from?: string;
}

export interface DatasetRuleResult {
  readonly rule: string;
  readonly passed: boolean;
  readonly observed: number | string;
}

/** `manifest.json` of a dataset version. A folder without one does not exist. */
export interface DatasetManifest {
  readonly dataset: string;
  readonly version: string;
  readonly createdAt: string;
  readonly schema: DatasetColumn[];
  readonly target: string;
  readonly splits: { readonly train: DatasetFolder; readonly holdout: DatasetFolder };
  readonly split: DatasetSplit;
  readonly contentHash: string;
  /** What it was made of. */
  readonly sources: DatasetOrigin[];
  /** What made it. */
  readonly script?: DatasetScript;
  readonly quality: { readonly rules: DatasetRuleResult[] };
  readonly parent: string | null;
  /** Name of the execution that made it. */
  readonly run: string;
}

export interface DatasetScript {
  readonly uri: string;
  readonly sha256: string;
}

export interface DatasetFolder {
  readonly uri: string;
  readonly rows: number;
  /** The files of the rows and their ETags when the version was published, which are others once a file is written again. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A folder with its files as they are now. */
export function sealed(folder: DatasetFolder, files: readonly DatasetFile[]): DatasetFolder {
  return { ...folder, files: Object.fromEntries(files.map(({ path, etag }) => [path, etag])) };
}

/** Files of a folder that are not what was published: written again, removed or added. */
export function filesChanged({ files }: DatasetFolder, now: readonly DatasetFile[]): string[] {
  if (files === undefined) return [];
  const found = new Map(now.map(({ path, etag }) => [path, etag]));
  return [...new Set([...Object.keys(files), ...found.keys()])].filter((path) => files[path] !== found.get(path)).sort();
}

/** `latest.json` of a dataset: a pointer, written after the manifest. */
export interface DatasetPointer {
  readonly version: string;
  readonly manifestUri: string;
  /** Whether the version is in the catalog and has been announced; a pointer that does not say so is of a complete one. */
  readonly complete?: boolean;
  /** Files that have been read, where that is more than the version says: they changed nothing. */
  readonly read?: DatasetFile[];
}

/** Why a run published nothing. */
export interface DatasetRejection {
  readonly dataset: string;
  readonly run: string;
  readonly time: string;
  readonly error: string;
  readonly reason: string;
  readonly quality: { readonly rules: DatasetRuleResult[] };
  readonly rows: { readonly train: number; readonly holdout: number };
  readonly schema: DatasetColumn[];
  readonly sources: DatasetOrigin[];
  /** The version that stays; null where there is none. */
  readonly latest: string | null;
}

/** Where the files of a dataset are; `prefix` is the dataset's (`datasets/<name>`). */
export class DatasetLocation {
  constructor(readonly bucket: string, readonly prefix: string) {}

  get latestKey(): string { return `${this.prefix}/latest.json`; }

  manifestKey(version: string): string { return `${this.prefix}/${version}/manifest.json`; }

  uri(key: string): string { return `s3://${this.bucket}/${key}`; }

  keyOf(uri: string): string { return uri.slice(this.uri('').length); }

  splitUri(version: string, split: 'train' | 'holdout'): string { return this.uri(`${this.prefix}/${version}/${split}/`); }
}

/** What becomes of a candidate. */
export type Publication =
  | { readonly outcome: 'rejected'; readonly error: 'DataQualityFailed' | 'DatasetSuperseded'; readonly reason: string }
  | { readonly outcome: 'unchanged'; readonly version: string }
  | { readonly outcome: 'publish'; readonly manifest: DatasetManifest };

/** Decides what becomes of a candidate, given the latest version there is. */
export function publicationOf(
  candidate: DatasetCandidate, latest: DatasetManifest | undefined, location: DatasetLocation, run: string, sources: DatasetOrigin[],
  script?: DatasetScript,
): Publication {
  const failed = candidate.quality.rules.filter((rule) => !rule.passed);
  if (failed.length > 0 || !candidate.quality.passed) {
    const reasons = failed.map((rule) => `${rule.rule} (observed: ${rule.observed})`);
    return { outcome: 'rejected', error: 'DataQualityFailed', reason: reasons.length > 0 ? reasons.join('; ') : 'the job says that a rule failed' };
  }
  // An earlier attempt of this very run got this far: what is left of the publication is done again.
  if (latest?.version === candidate.version && latest.run === run) return { outcome: 'publish', manifest: latest };
  if (latest?.contentHash === candidate.contentHash) return { outcome: 'unchanged', version: latest.version };
  // Unchanged, but against a version that has been followed by another since: the job wrote no rows.
  if (candidate.unchanged || (latest !== undefined && latest.version > candidate.version)) {
    return { outcome: 'rejected', error: 'DatasetSuperseded', reason: `version ${latest?.version} was published while the job ran` };
  }
  const { version, rows } = candidate;
  return {
    outcome: 'publish',
    manifest: {
      dataset: candidate.dataset,
      version,
      createdAt: candidate.time,
      schema: candidate.schema,
      target: candidate.target,
      splits: {
        train: { uri: location.splitUri(version, 'train'), rows: rows.train },
        holdout: { uri: location.splitUri(version, 'holdout'), rows: rows.holdout },
      },
      split: candidate.split,
      contentHash: candidate.contentHash,
      sources,
      ...(script === undefined ? {} : { script }),
      quality: { rules: candidate.quality.rules },
      parent: latest?.version ?? null,
      run,
    },
  };
}
