import { DatasetColumn, DatasetManifest } from './dataset';
import { ModelEvaluation } from './events';
import { fingerprint } from './fingerprint';
import { DEFAULT_TAG, isTag } from './model-version';

/** `mlops.json` of a model's repository: what is trained, on which columns, and how. */
export interface ModelSpec {
  readonly tag: string;
  readonly target: string;
  readonly features: readonly string[];
  readonly hyperparameters: Readonly<Record<string, unknown>>;
}

/** What a model is trained from besides the data: a commit, its image and its specification. */
export interface ModelSourceState {
  readonly commit: string;
  readonly imageUri: string;
  readonly spec: ModelSpec;
  /** Who wrote the commit, where the build could tell. */
  readonly author?: string;
}

/** The champion, as it is evaluated on the candidate's holdout. */
export interface ChampionPlan {
  readonly version: string;
  readonly imageUri: string;
  readonly modelDataUrl: string;
  readonly configUri: string;
  readonly outputUri: string;
}

/** What a run trains, evaluates and judges. */
export interface RunPlan extends ModelSourceState {
  readonly outcome: 'train';
  readonly run: string;
  readonly jobName: string;
  readonly dataset: string;
  readonly manifestUri: string;
  readonly hyperparameters: Record<string, string>;
  readonly trainUri: string;
  readonly holdoutUri: string;
  readonly modelUri: string;
  readonly configUri: string;
  readonly outputUri: string;
  readonly hasChampion: boolean;
  readonly champion?: ChampionPlan;
  /** Why there is a champion that is not compared with. */
  readonly championSkipped?: string;
}

/** What becomes of a run. */
export type PrepareRunAnswer =
  | RunPlan
  | { readonly outcome: 'nothing'; readonly reason: string }
  | { readonly outcome: 'registered'; readonly version: string; readonly commit: string; readonly dataset: string }
  | { readonly outcome: 'rejected'; readonly reason: string; readonly run: string; readonly commit?: string; readonly dataset?: string };

/** A finished training job. */
export interface TrainedModel {
  readonly jobName: string;
  readonly jobArn: string;
  readonly modelDataUrl: string;
}

/** The input of a registry's registration. */
export interface RegistrationRequest {
  readonly decision: 'register' | 'reject';
  /** The execution, by which a repeated request is recognized. */
  readonly run: string;
  readonly tag: string;
  readonly commit: string;
  readonly dataset: string;
  readonly time: string;
  readonly imageUri?: string;
  readonly spec?: ModelSpec;
  readonly modelDataUrl?: string;
  readonly trainingJobName?: string;
  readonly trainingJobArn?: string;
  readonly manifestUri?: string;
  readonly evaluation?: ModelEvaluation;
  readonly evaluationUri?: string;
  readonly sampleUri?: string;
  readonly championVersion?: string;
  readonly championEvaluation?: ModelEvaluation;
  /** Who wrote the commit, where the build could tell. */
  readonly author?: string;
  /** Where a rejected candidate was stopped. */
  readonly stage?: RejectionStage;
  readonly reason: string;
}

export type RejectionStage = 'data' | 'training' | 'evaluation' | 'gate';

/** Why a run cannot go on. Trying again does not help. */
export class RunRejected extends Error {
  public readonly name = 'RunRejected';
}

/** Limits of SageMaker's CreateTrainingJob. */
const MAX_HYPERPARAMETERS = 100;
const MAX_HYPERPARAMETER_KEY = 256;
const MAX_HYPERPARAMETER_VALUE = 2500;

/** Hyperparameters that the workflow adds to those of the specification. */
const RESERVED = ['target', 'features'];

const NUMERIC = /^(byte|tinyint|short|smallint|int|integer|long|bigint|float|real|double|number|decimal(\s*\(.*\))?)$/i;

/** Reads a specification. Throws `RunRejected` with everything that is wrong with it. */
export function readSpec(json: unknown): ModelSpec {
  if (!isObject(json)) throw new RunRejected('mlops.json must be an object with "target" and "features"');
  const { tag = DEFAULT_TAG, target, features, hyperparameters = {} } = json;
  const problems: string[] = [];
  if (typeof tag !== 'string' || !isTag(tag)) problems.push(`"tag" must be 1 to 16 letters, digits and hyphens, got ${JSON.stringify(tag)}`);
  if (typeof target !== 'string' || target === '') problems.push('"target" must name the column to predict');
  const names: unknown[] = Array.isArray(features) ? features : [];
  if (names.length === 0 || !names.every((name) => typeof name === 'string' && name !== '')) problems.push('"features" must be a list of at least one column name');
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) problems.push(`"features" names ${[...new Set(twice)].join(', ')} more than once`);
  if (names.includes(target)) problems.push(`"features" must not include the target ${String(target)}`);
  if (isObject(hyperparameters)) {
    const reserved = RESERVED.filter((name) => name in hyperparameters);
    if (reserved.length > 0) problems.push(`"hyperparameters" must not include ${reserved.join(' and ')}, which the workflow sets`);
  } else {
    problems.push('"hyperparameters" must be an object');
  }
  if (problems.length > 0) throw new RunRejected(`mlops.json: ${problems.join('; ')}`);
  return { tag: tag as string, target: target as string, features: names as string[], hyperparameters: hyperparameters as Record<string, unknown> };
}

/** What keeps a specification from being trained on a dataset with these columns; empty where nothing does. */
export function datasetProblems(spec: Pick<ModelSpec, 'target' | 'features'>, manifest: Pick<DatasetManifest, 'schema' | 'splits'>): string[] {
  const columns = new Map(manifest.schema.map((column): [string, DatasetColumn] => [column.name, column]));
  const problems: string[] = [];
  const target = columns.get(spec.target);
  if (target === undefined) problems.push(`it has no column ${spec.target}, which is the target`);
  else if (!NUMERIC.test(target.type)) problems.push(`the target ${spec.target} is of type ${target.type}, a regression needs a number`);
  const missing = spec.features.filter((name) => !columns.has(name));
  if (missing.length > 0) problems.push(`it lacks the ${missing.length === 1 ? 'feature' : 'features'} ${missing.join(', ')}`);
  for (const split of ['train', 'holdout'] as const) {
    if (!(manifest.splits[split].rows > 0)) problems.push(`its ${split} split has no rows`);
  }
  return problems;
}

/** The hyperparameters of a training job, as strings. Throws `RunRejected` where SageMaker would refuse them. */
export function hyperparametersOf(spec: ModelSpec): Record<string, string> {
  const given = Object.entries(spec.hyperparameters).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  const entries = [...given, ['target', spec.target], ['features', JSON.stringify(spec.features)]];
  if (entries.length > MAX_HYPERPARAMETERS) {
    throw new RunRejected(`mlops.json has ${given.length} hyperparameters, at most ${MAX_HYPERPARAMETERS - RESERVED.length} can be passed to a training job`);
  }
  for (const [name, value] of entries) {
    const length = name.length > MAX_HYPERPARAMETER_KEY ? name.length : value.length;
    if (name.length > MAX_HYPERPARAMETER_KEY || value.length > MAX_HYPERPARAMETER_VALUE) {
      throw new RunRejected(`mlops.json: ${name.slice(0, 40)} has ${length} characters, a training job takes names of ${MAX_HYPERPARAMETER_KEY} and values of ${MAX_HYPERPARAMETER_VALUE}`);
    }
  }
  return Object.fromEntries(entries);
}

/** Longest prefix of job names: a hyphen, 16 digits of the run and the suffix of the job follow within SageMaker's 63. */
export const MAX_JOB_PREFIX = 40;

/** The name that all jobs of a run share, whatever the length of its execution's name. SageMaker writes names in ARNs in lower case. */
export function jobNameOf(prefix: string, executionId: string): string {
  return `${prefix}-${fingerprint(executionId, 2)}`;
}

/**
 * What the names of a model's jobs begin with, which permissions rely on: a mark of the model's whole name, since another's may
 * begin alike, and as much of the name as there is room for.
 */
export function jobPrefixOf(modelName: string): string {
  const mark = fingerprint(modelName);
  const slug = modelName.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-/, '').slice(0, MAX_JOB_PREFIX - mark.length - 1).replace(/-$/, '');
  return `${mark}-${slug === '' ? 'model' : slug}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
