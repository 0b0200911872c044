import { filesAt, readJson, readLedger, writeJson } from './training-io';
import { DatasetLocation, DatasetManifest, DatasetPointer, filesChanged } from '../domain/dataset';
import { ledgerKeys } from '../domain/ledger';
import {
  ChampionPlan, datasetProblems, hyperparametersOf, jobNameOf, ModelSourceState, PrepareRunAnswer, readSpec, RunPlan, RunRejected,
} from '../domain/training-run';
import { perModel, setting } from '../private/model-io';

export interface PrepareRunEvent {
  /** What started the run: `{commit, author?, imageUri, spec}` after a merge, `{dataset}` after a publication. */
  readonly input: {
    readonly commit?: unknown;
    readonly author?: unknown;
    readonly imageUri?: unknown;
    readonly spec?: unknown;
    readonly dataset?: unknown;
  };
  /** ARN of the execution. */
  readonly run: string;
  readonly time: string;
}

const LONGEST_AUTHOR = 256;

/** What the construct knows. */
const env = {
  get ARTIFACTS() { return setting('ARTIFACTS') ?? ''; },
  get DATASETS() { return setting('DATASETS') ?? ''; },
  get DATASET_PREFIX() { return setting('DATASET_PREFIX') ?? ''; },
  get JOB_PREFIX() { return setting('JOB_PREFIX') ?? ''; },
  get LEDGER() { return setting('LEDGER') ?? ''; },
};

/**
 * Decides what a run trains on what, or why it does not. Repeating it gives the same answer, as long as no version is
 * registered and no dataset published in between.
 */
async function handle(event: PrepareRunEvent): Promise<PrepareRunAnswer> {
  const known: { commit?: string; dataset?: string } = {
    commit: textOf(event.input.commit),
    dataset: textOf(event.input.dataset),
  };
  try {
    const source = known.commit === undefined ? await lastRegistered() : fromBuild(event.input);
    if (source === undefined) return { outcome: 'nothing', reason: 'no version has been registered yet: there is no commit to train anew' };
    known.commit = source.commit;
    const location = new DatasetLocation(env.DATASETS, env.DATASET_PREFIX);
    known.dataset ??= await latestVersion(location);
    const manifest = await readJson(location.bucket, location.manifestKey(known.dataset)) as DatasetManifest | undefined;
    if (manifest === undefined) throw new RunRejected(`the dataset has no version ${known.dataset}`);

    const last = await readLedger(env.LEDGER, ledgerKeys.tag(source.spec.tag));
    if (last?.commit === source.commit && last.dataset === known.dataset) {
      const version = String(last.version);
      // A number that was given, but whose registration did not end well, is taken up again by training anew.
      const record = await readLedger(env.LEDGER, ledgerKeys.version(version));
      if (record?.status === 'registered') return { outcome: 'registered', version, commit: source.commit, dataset: known.dataset };
    }
    const problems = datasetProblems(source.spec, manifest);
    if (problems.length > 0) throw new RunRejected(`dataset version ${known.dataset} does not fit: ${problems.join('; ')}`);
    await refuseChanged(manifest);
    return await plan(event.run, source, manifest, location);
  } catch (error) {
    if (error instanceof RunRejected) return { outcome: 'rejected', reason: error.message, run: event.run, ...known };
    throw error;
  }
}

/** A published version is not edited: one that was is nobody's measure any more. */
async function refuseChanged({ version, splits }: DatasetManifest): Promise<void> {
  const changed = (await Promise.all(Object.values(splits).map(async (folder) =>
    filesChanged(folder, folder.files === undefined ? [] : await filesAt(folder.uri)).map((file) => `${folder.uri}${file}`)))).flat();
  if (changed.length === 0) return;
  const named = `${changed.slice(0, 3).join(', ')}${changed.length > 3 ? ` and ${changed.length - 3} more` : ''}`;
  throw new RunRejected(`dataset version ${version} was changed after its publication: ${named}; run the data pipeline, which publishes a new version`);
}

async function plan(run: string, source: ModelSourceState, manifest: DatasetManifest, location: DatasetLocation): Promise<RunPlan> {
  const hyperparameters = hyperparametersOf(source.spec);
  const jobName = jobNameOf(env.JOB_PREFIX, run);
  const folder = `training/${jobName}`;
  const uri = (path: string): string => `s3://${env.ARTIFACTS}/${folder}/${path}/`;
  const { champion, championSkipped } = await readChampion(manifest, uri);

  const { target, features } = source.spec;
  await writeJson(env.ARTIFACTS, `${folder}/challenger-config/spec.json`, { target, features });
  if (champion !== undefined) {
    await writeJson(env.ARTIFACTS, `${folder}/champion-config/spec.json`, { target: champion.target, features: champion.features });
  }
  return {
    outcome: 'train',
    run,
    jobName,
    ...source,
    dataset: manifest.version,
    manifestUri: location.uri(location.manifestKey(manifest.version)),
    hyperparameters,
    trainUri: manifest.splits.train.uri,
    holdoutUri: manifest.splits.holdout.uri,
    modelUri: uri('model'),
    configUri: uri('challenger-config'),
    outputUri: uri('challenger'),
    hasChampion: champion !== undefined,
    ...(champion === undefined ? {} : { champion: champion.plan }),
    ...(championSkipped === undefined ? {} : { championSkipped }),
  };
}

interface ReadChampion {
  readonly champion?: { readonly plan: ChampionPlan; readonly target: string; readonly features: readonly string[] };
  readonly championSkipped?: string;
}

/** The version in production. One that cannot read this dataset any more cannot be compared with, or nothing could ever follow it. */
async function readChampion(manifest: DatasetManifest, uri: (path: string) => string): Promise<ReadChampion> {
  const pointer = await readLedger(env.LEDGER, ledgerKeys.champion());
  if (pointer === undefined) return {};
  const version = String(pointer.version);
  const record = await readLedger(env.LEDGER, ledgerKeys.version(version));
  if (record === undefined) throw new Error(`the ledger has no record of ${version}, which is in production`);
  const spec = readSpec(record.spec);
  const problems = datasetProblems(spec, manifest);
  if (problems.length > 0) return { championSkipped: `${version} is in production, but was not evaluated on this dataset: ${problems.join('; ')}` };
  return {
    champion: {
      plan: {
        version,
        imageUri: String(record.imageUri),
        modelDataUrl: String(record.modelDataUrl),
        configUri: uri('champion-config'),
        outputUri: uri('champion'),
      },
      target: spec.target,
      features: spec.features,
    },
  };
}

function fromBuild(input: PrepareRunEvent['input']): ModelSourceState {
  const [commit, imageUri] = [textOf(input.commit), textOf(input.imageUri)];
  if (commit === undefined || imageUri === undefined) throw new RunRejected('the build handed over no commit or no image');
  return { commit, imageUri, spec: readSpec(input.spec), ...authorOf(input.author) };
}

/** New data revise what was registered last. */
async function lastRegistered(): Promise<ModelSourceState | undefined> {
  const pointer = await readLedger(env.LEDGER, ledgerKeys.registered());
  if (pointer === undefined) return undefined;
  const version = String(pointer.version);
  const record = await readLedger(env.LEDGER, ledgerKeys.version(version));
  if (record === undefined) throw new Error(`the ledger has no record of ${version}, which was registered last`);
  return { commit: String(record.commit), imageUri: String(record.imageUri), spec: readSpec(record.spec), ...authorOf(record.author) };
}

function authorOf(value: unknown): Pick<ModelSourceState, 'author'> {
  const author = textOf(value)?.trim().slice(0, LONGEST_AUTHOR);
  return author === undefined || author === '' ? {} : { author };
}

async function latestVersion(location: DatasetLocation): Promise<string> {
  const pointer = await readJson(location.bucket, location.latestKey) as DatasetPointer | undefined;
  if (pointer === undefined) throw new RunRejected('the dataset has no published version yet');
  return pointer.version;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export const handler = perModel(handle);
