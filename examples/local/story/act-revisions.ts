import { merge } from './act-first-release';
import { VersionRecord } from './ledger';
import { ENDED, World, hours } from './world';

const RELEASE_TAKES_AT_MOST = 24 * 40;
/** A release takes days. */
const LOOKS_EVERY_HOURS = 3;

/** The version that a cause brought about, once its release has ended. */
export async function outcome(world: World, isIt: (one: VersionRecord) => boolean): Promise<VersionRecord | undefined> {
  const { outputs, replay } = world;
  // the training first: without a new version there is no release to wait for
  await replay.until(async () => (await world.executions(outputs.TrainingWorkflow)).every(({ status }) => status !== 'RUNNING'), hours(24, world.now));
  const find = async () => (await world.ledger.versions()).find(isIt);
  if (await find() === undefined) return undefined;
  await replay.until(async () => {
    const record = await find();
    return record !== undefined && ENDED.has(record.stage);
  }, hours(RELEASE_TAKES_AT_MOST, world.now), LOOKS_EVERY_HOURS);
  return find();
}

export const newerThan = (known: readonly VersionRecord[]) => (one: VersionRecord) => !known.some(({ version }) => version === one.version);
export const seen = (record: VersionRecord | undefined) => record === undefined ? 'no version was registered' : `${record.version}: ${record.stage}, ${record.reason ?? ''}`;

/** Where the data let a version through that the sample data stop, the ones after it have other numbers. */
const isNumbered = ({ scenario }: World, record: VersionRecord | undefined, version: string) =>
  record !== undefined && (record.version === version || !scenario.strict);

/** New data with nobody merging: an automatic revision goes through shadow, verdict and canary into production. */
export async function revisionAct(world: World): Promise<void> {
  const { checks, scenario, replay } = world;
  const known = await world.ledger.versions();
  const failed = replay.traffic.failed;
  await world.upload(scenario.batches.second);
  await runsThrough(world);
  const record = await outcome(world, newerThan(known));
  checks.shows('new data gives V1.0.1 with nobody merging, and the verdict promotes it', isNumbered(world, record, 'V1.0.1') && record?.cause === 'auto' && record.stage === 'Production', seen(record));
  checks.must('no request fails while versions are switched', replay.traffic.failed === failed, `${replay.traffic.sent} sent, ${replay.traffic.failed} failed${replay.failures.length > 0 ? `; ${replay.failures[0]}` : ''}`);
}

/** The next automatic revision is good, but its new fleet fails under load: the canary rolls it back. */
export async function faultAct(world: World): Promise<void> {
  const { checks, scenario, replay, cloud, ledger } = world;
  const known = await ledger.versions();
  const champion = await ledger.champion();
  const { answered } = replay.traffic;
  await world.upload(scenario.batches.third);
  await runsThrough(world);
  const candidate = (await ledger.versions()).find(newerThan(known));
  const heal = candidate === undefined ? () => undefined : world.failUnderLoad(candidate.version);
  const record = await outcome(world, newerThan(known));
  heal();
  const back = await ledger.champion();
  checks.shows('a new fleet that fails under load (injected) is rolled back in the canary', record?.stage === 'RolledBack' && back === champion, seen(record));
  await replay.to(hours(6, cloud.clock.now()));
  checks.must('production answers all the while', replay.traffic.answered > answered, `${replay.traffic.answered} answered, ${replay.traffic.failed} failed (requests that reached the failing fleet)`);
}

/** More features: a manual revision that the verdict promotes. */
export async function betterAct(world: World): Promise<void> {
  const { checks, scenario } = world;
  const known = await world.ledger.versions();
  const commit = await merge(world, 'more-features', 'feat: every feature', { features: scenario.features.all, hyperparameters: { algorithm: 'ridge', alpha: '1' } });
  await runsThrough(world);
  const record = await outcome(world, (one) => newerThan(known)(one) && one.commit === commit);
  checks.shows('a model with more features becomes V1.1.0, promoted by the verdict', isNumbered(world, record, 'V1.1.0') && record?.cause === 'manual' && record.stage === 'Production', seen(record));
}

/** Plays on until what was just started, from the data pipeline to the training, has come to an end. */
export async function runsThrough(world: World): Promise<void> {
  const { outputs, replay } = world;
  const open = async (arn: string) => (await world.executions(arn)).some(({ status }) => status === 'RUNNING');
  await replay.to(hours(1, world.now));
  await replay.until(async () => !(await open(outputs.DataWorkflow)) && !(await open(outputs.TrainingWorkflow)), hours(24, world.now));
}
