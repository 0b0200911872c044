import { whoMayDoWhat } from './attempts';
import { VersionRecord } from './ledger';
import { qualityRows } from './quality';
import { World } from './world';
import { Report, Verdict, VersionReport } from '../report/report';
import { SageMaker } from '../sagemaker/sagemaker';

const OUTCOMES: Record<string, VersionReport['outcome']> = {
  Production: 'production', Archived: 'archived', Rejected: 'rejected', RolledBack: 'rolled-back', Superseded: 'superseded',
};

/** Reads the report of a run from what the platform itself has kept: ledger, reports, metrics, mails, decisions. */
export async function collect(world: World, ok: boolean): Promise<Report> {
  const { cloud, scenario, checks, progress, replay } = world;
  progress.end();
  const versions = await world.ledger.versions();
  return {
    ok: ok && checks.done.every((check) => check.ok),
    seconds: progress.seconds,
    stack: [...cloud.outputs.keys()],
    data: { name: scenario.name, rows: scenario.rows, target: scenario.target, features: scenario.features.misleading.length },
    versions: versions.map((record) => versionReport(record, world)),
    rejected: (await world.ledger.rejected()).map(({ commit, dataset, reason }) => ({ commit, dataset, reason })),
    traffic: replay.traffic,
    quality: (await qualityRows(world)).map((row) => ({
      version: row.variant === 'AllTraffic' ? row.version : `${row.version} (shadow)`,
      from: row.from,
      to: row.to,
      samples: row.samples,
      coverage: row.coverage ?? 0,
      mse: row.mse,
      rmse: row.rmse,
      mae: row.mae,
      r2: row.r2 ?? null,
    })),
    alerts: world.mailbox.map(({ at, subject, topic, message }) => ({ at, name: subject ?? topic, message })),
    denied: cloud.decided.filter(({ allowed }) => !allowed).map(({ principal, action, resource, by }) => ({
      persona: principal.slice(principal.lastIndexOf('/') + 1), action, resource, by,
    })),
    access: whoMayDoWhat(world),
    checks: checks.done,
    standIns: cloud.standIns.flatMap(({ describes }) => describes),
    timings: progress.timings,
  };
}

function versionReport(record: VersionRecord, world: World): VersionReport {
  const { mse, rmse, mae, r2, itemCount } = record.evaluation;
  const history = record.history ?? [];
  return {
    version: record.version,
    cause: record.cause,
    commit: record.commit,
    dataset: record.dataset,
    evaluation: { mse, rmse, mae, r2, item_count: itemCount },
    verdict: verdictOf(record),
    // a run that broke off leaves a version on its way; the report says which stage it had reached
    outcome: OUTCOMES[record.stage] ?? 'superseded',
    reason: record.stage in OUTCOMES ? record.reason ?? '' : `the run ended while it was in ${record.stage}`,
    ...(record.account === undefined ? {} : { account: record.account }),
    history: history.map(({ stage, time, reason }) => ({ stage, at: time, reason: reason ?? '' })),
    shares: sharesOf(record, world),
  };
}

/** The shadow's verdict, as the release has written it into the ledger. */
function verdictOf(record: VersionRecord): Verdict | null {
  const found = (record.history ?? []).map(({ detail }) => detail).find((detail) => detail !== undefined && 'decision' in detail) as Partial<Verdict> | undefined;
  // the first version has nobody to be compared with
  if (found?.decision === undefined || (found.decision === 'promote' && (found.pairs ?? 0) === 0)) return null;
  return {
    decision: found.decision,
    pairs: found.pairs ?? 0,
    lower: found.lower ?? NaN,
    upper: found.upper ?? NaN,
    tolerance: found.tolerance ?? NaN,
    sequence: (found.sequence ?? []).map(({ pairs, lower, upper }) => ({ pairs, lower, upper })),
  };
}

/** How much of the traffic the version's own fleet got, from a little before its release to a little after. */
function sharesOf(record: VersionRecord, world: World): VersionReport['shares'] {
  const mark = `-${record.version.replaceAll('.', '-')}-`;
  const shifts = world.cloud.find(SageMaker).traffic.shifts.filter(({ endpoint }) => endpoint === world.outputs.EndpointName);
  const own = shifts.map(({ at, shares }) => ({
    at, share: Object.entries(shares).filter(([config]) => config.includes(mark) && !config.endsWith('-shadow')).reduce((sum, [, share]) => sum + share, 0),
  }));
  const first = own.findIndex(({ share }) => share > 0);
  if (first < 0) return [];
  const last = own.findIndex(({ share }, i) => i > first && share === (record.stage === 'RolledBack' ? 0 : 1));
  const shown = own.slice(Math.max(0, first - 1), (last < 0 ? own.length : last) + 1);
  const end = shown.at(-1)!;
  const start = { at: new Date(own[first].at.getTime() - 1_800_000), share: first > 0 ? own[first - 1].share : 0 };
  return [start, ...shown.filter(({ at }) => at > start.at), { at: new Date(end.at.getTime() + 1_800_000), share: end.share }]
    .map(({ at, share }) => ({ at: at.toISOString(), share }));
}
