import { S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { LatestVersion, listFiles, putJson, readJson, readLatest, writeJson } from './dataset-io';
import { DatasetLocation } from '../domain/dataset';
import { decideSlot, RunSlot, SlotDecision } from '../domain/dataset-slot';
import { DatasetReading, planReading, ReadingPlan, stampOf } from '../domain/dataset-sources';

export interface PlanDatasetEvent {
  /** When this was asked for, ISO 8601: the time of the run. */
  readonly time: string;
  /** ARN of the execution. */
  readonly execution: string;
  /** What the execution was started with; `rebuild` reads everything, whatever was read before. */
  readonly input?: { readonly rebuild?: boolean };
  /** How often this run has planned already. */
  readonly attempt: number;
}

export interface DatasetPlan {
  /** `run`; or `wait` for one's turn, be `merged` into the run that waits, or end with nothing (`empty`, `nothingNew`). */
  readonly outcome: 'run' | 'wait' | 'merged' | 'empty' | 'nothingNew';
  readonly time: string;
  readonly run: string;
  readonly attempt: number;
  /** The execution that does this one's work as well, where it was merged. */
  readonly into?: string;
  /** Key of what is to be read. */
  readonly readingKey: string;
  /** Key of the report that the job writes. */
  readonly reportKey: string;
  /** The job's arguments for this run; the others are the job's own. */
  readonly arguments: Record<string, string>;
}

const s3 = new S3Client({});
// many runs may ask at once, where many files arrive
const states = new SFNClient({ maxAttempts: 8 });
/** An execution that Step Functions does not know may have begun just now. */
const NEW = 3_600_000;
const RACES = 10;

/** Gives the run its place; then looks at what there is to read and at the latest version, before the job runs. */
export async function handler(event: PlanDatasetEvent): Promise<DatasetPlan> {
  const env = process.env as Record<string, string>;
  const location = new DatasetLocation(env.BUCKET, env.PREFIX);
  const run = nameOf(event.execution);
  const place = await takePlace(event, env);
  const attempt = place.outcome === 'run' ? event.attempt + 1 : event.attempt;
  const suffix = attempt > 1 ? `-${attempt}` : '';
  const plan = {
    time: event.time,
    run,
    attempt,
    readingKey: `${env.RUNS_PREFIX}/${run}/reading${suffix}.json`,
    reportKey: `${env.RUNS_PREFIX}/${run}/candidate${suffix}.json`,
  };
  if (place.outcome === 'wait') return { ...plan, outcome: 'wait', arguments: {} };
  if (place.outcome === 'merged') return { ...plan, outcome: 'merged', into: nameOf(place.holder.execution), arguments: {} };

  // only now: what arrived before this moment is seen, whoever brought it
  const latest = await readLatest(s3, location);
  const reading = env.QUERY === undefined ? await chooseFiles(env, latest, place.holder.rebuild === true) : undefined;
  const source = reading?.plan ?? { uri: `s3://${env.SOURCE_BUCKET}/${env.SOURCE_PREFIX}${stampOf(event.time)}/`, query: env.QUERY };
  const nothing = reading === undefined ? undefined : nothingToDo(reading, env);
  if (nothing !== undefined) return { ...plan, outcome: nothing, arguments: {} };
  await putJson(s3, location.bucket, plan.readingKey, source);
  return { ...plan, outcome: 'run', arguments: argumentsFor(plan, location, latest, reading) };
}

const nameOf = (execution: string): string => execution.slice(execution.lastIndexOf(':') + 1);

interface Chosen {
  readonly plan: ReadingPlan;
  /** The version that rows are added to. */
  readonly parent?: string;
}

async function chooseFiles(env: Record<string, string>, { pointer, manifest }: LatestVersion, rebuild: boolean): Promise<Chosen> {
  const mode = env.READING as DatasetReading;
  const key = env.KEY === undefined ? undefined : JSON.parse(env.KEY) as string[];
  const listed = await listFiles(s3, env.SOURCE_BUCKET, env.SOURCE_PREFIX);
  const read = rebuild ? undefined : pointer?.read ?? manifest?.sources[0]?.files;
  const plan = planReading(listed, read, mode, key);
  return { plan, ...(mode === 'newFiles' && read !== undefined ? { parent: manifest?.version } : {}) };
}

function nothingToDo({ plan, parent }: Chosen, env: Record<string, string>): 'empty' | 'nothingNew' | undefined {
  if (plan.files.length > 0) return undefined;
  if (parent === undefined) return 'empty';
  // a rule about the age of the rows can break though nothing arrives; just then
  return env.CHECKS_AGE === 'true' ? undefined : 'nothingNew';
}

function argumentsFor(
  plan: Pick<DatasetPlan, 'time' | 'reportKey' | 'readingKey'>, location: DatasetLocation, { manifest }: LatestVersion, reading?: Chosen,
): Record<string, string> {
  const { parent } = reading ?? {};
  return {
    '--time': plan.time,
    '--report': location.uri(plan.reportKey),
    ...(reading?.plan.reading === 'newFiles' ? { '--inputs': location.uri(plan.readingKey) } : {}),
    ...(parent === undefined ? {} : { '--parent': location.uri(`${location.prefix}/${parent}/`) }),
    ...(manifest === undefined ? {} : {
      '--parent_hash': manifest.contentHash, '--parent_rows': `${manifest.splits.train.rows + manifest.splits.holdout.rows}`,
    }),
    ...(manifest?.split.from === undefined ? {} : { '--not_before': manifest.split.from }),
  };
}

/** The run's place, by a write that fails where another run was faster. */
async function takePlace(event: PlanDatasetEvent, env: Record<string, string>): Promise<SlotDecision> {
  const key = `${env.RUNS_PREFIX}/slot.json`;
  const me = { execution: event.execution, since: event.time, ...(event.input?.rebuild === true ? { rebuild: true } : {}) };
  for (let race = 0; race < RACES; race++) {
    const found = await readJson<RunSlot>(s3, env.BUCKET, key);
    const slot = found?.value ?? {};
    const over = new Set<string>();
    for (const { execution, since } of [slot.running, slot.waiting].flatMap((holder) => holder ?? [])) {
      if (execution !== event.execution && await isOver(execution, since, event.time)) over.add(execution);
    }
    const decision = decideSlot(slot, me, (execution) => over.has(execution));
    if (decision.slot === undefined || await writeJson(s3, env.BUCKET, key, decision.slot, found?.etag)) return decision;
  }
  throw new Error(`many runs ask for ${key} at once`); // transient: a retry asks again
}

async function isOver(execution: string, since: string, now: string): Promise<boolean> {
  try {
    return (await states.send(new DescribeExecutionCommand({ executionArn: execution }))).status !== 'RUNNING';
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return Date.parse(now) - Date.parse(since) > NEW;
    throw error;
  }
}
