import { FailingWorld, Snapshot } from './failing-world';
import { LOAD_ALARM, QUALITY_ALARM } from '../line-app';

/** Stages that are bad news. */
const BAD = ['Rejected', 'RolledBack'];

/**
 * What must be so when all is over, whatever has happened. What is wrong comes as one list, so that one look tells it
 * all; empty where nothing is. `outage`: requests may have failed
 * meanwhile. `untidy`: something could not be removed, which the next release that goes well does.
 */
export async function problems(world: FailingWorld, before: Snapshot, { outage = false, untidy = false } = {}): Promise<string[]> {
  const found: string[] = [];
  const must = (holds: boolean, otherwise: string): void => { if (!holds) found.push(otherwise); };
  const { line } = world;
  const [endpoint, changed, champion] = [await line.endpoint(), await world.changed(before), await line.champion()];
  const all = await line.versions();
  const { kept } = await world.snapshot();

  // 1. the endpoint serves, on the last good config or on the new one
  const owner = all.find(({ version }) => endpoint?.config?.includes(`-line-${version.replaceAll('.', '-')}-`));
  if (endpoint === undefined) {
    must(before.config === undefined, 'the endpoint is gone');
  } else {
    must(endpoint.status === 'InService' && endpoint.shadows === 0 && !endpoint.pending, `the endpoint is ${JSON.stringify(endpoint)}`);
    must(endpoint.config === before.config || changed.some(({ version }) => version === owner?.version), `the endpoint is on ${endpoint.config}, was on ${before.config}`);
    const answer = await line.traffic.ask(10);
    must(answer !== undefined && Math.abs(answer - 25) < 0.5, `the endpoint answers ${answer}`);
  }
  must(outage || line.traffic.counts.failed === before.failedRequests, `${line.traffic.counts.failed - before.failedRequests} requests failed`);

  // 2. the slot is free
  const queue = await line.queue();
  must(queue.length === 0, `the queue holds ${queue.join(', ')}`);

  // 3. ledger and registry agree with the endpoint
  const inProduction = all.filter(({ stage }) => stage === 'Production').map(({ version }) => version);
  must(inProduction.join() === (owner?.version ?? ''), `in production are ${inProduction.join() || 'none'}, the endpoint serves ${owner?.version}`);
  must(champion === owner?.version, `the champion is ${champion}, the endpoint serves ${owner?.version}`);
  for (const record of all.filter(({ version }) => version === before.champion || changed.some((each) => each.version === version))) {
    const { stage, approval } = await line.registered(record);
    const known = ['Production', 'Archived', 'Superseded', ...BAD].includes(record.stage);
    must(known && stage === record.stage, `${record.version} is ${record.stage}, its package ${stage} ${approval}`);
    const wanted = { Production: 'Approved', Rejected: 'Rejected', RolledBack: 'Rejected' }[record.stage];
    must(wanted === undefined || approval === wanted, `${record.version} is ${record.stage}, its package ${approval}`);
  }

  // 4. somebody was told
  const { events, alerts } = await line.news();
  for (const { version, stage, reason } of changed) {
    // of a version that is replaced, or put back, the event of the other one tells
    if (before.stages.has(version) && !BAD.includes(stage)) continue;
    const told = events.filter(({ detail }) => detail.version === version).map(({ type }) => type);
    const wanted = BAD.includes(stage) ? ['ReleaseRolledBack', 'ReleaseRejected'] : stage === 'Superseded' ? ['ReleaseSuperseded'] : ['ReleaseCompleted'];
    must(wanted.some((type) => told.includes(type)), `no ${wanted.join(' or ')} for ${version}, which is ${stage} (${reason}), only ${told.join() || 'nothing'}`);
    if (BAD.includes(stage)) must(alerts.some((alert) => alert.includes(version)), `no alert for ${version}, which is ${stage}`);
  }
  for (const { arn } of world.broken('ReleasesRollback', before)) {
    const told = events.find(({ type, detail }) => type === 'RollbackImpossible' || (type === 'RollbackFailed' && detail.execution === arn));
    // one that had begun is gone on with
    const done = events.some(({ type, detail }) => type === 'ReleaseRolledBack' && detail.version === before.champion);
    must(told !== undefined || done, `nobody was told of the rollback ${arn}`);
    if (told !== undefined) must(alerts.some((alert) => alert.includes(String(told.detail.reason))), `no alert for the rollback ${arn}`);
  }
  for (const { type, detail } of events) {
    if (type !== 'ReleaseCompleted') continue;
    must(all.some(({ version, stage, history }) => version === detail.version && (stage === 'Production' || history.some((each) => each.stage === 'Production'))),
      `ReleaseCompleted for ${String(detail.version)}, which never was in production`);
  }

  // 5. nothing is left over
  must(world.running().length === 0, `still running: ${world.running().map(({ arn }) => arn).join()}`);
  const endpoints = await line.endpoints();
  must(untidy || endpoints.join() === (endpoint === undefined ? '' : 'line'), `endpoints: ${endpoints.join()}`);
  const alarms = await line.alarms();
  must(untidy || alarms.join() === [LOAD_ALARM, QUALITY_ALARM].join(), `alarms: ${alarms.join()}`);
  for (const name of await world.hosted()) {
    must(untidy || name === endpoint?.config || kept.includes(name), `left over: ${name}`);
  }
  must(endpoint === undefined || kept.includes(endpoint.config ?? ''), `the endpoint serves on ${endpoint?.config}, kept are ${kept.join()}`);
  must(line.cloud.faults.length === 0, `faults: ${line.cloud.faults.splice(0).join()}`);
  return found;
}
