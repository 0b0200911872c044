import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { describeEndpoint } from './hosting-io';
import { Counts, healthProblem, ShadowHealth, sumCounts } from './shadow-health';
import { longestBlockHours, ShadowPlan } from './shadow-plan';
import { ShadowVerdict } from '../domain/events';
import { hourAt, PAIRING_COLUMNS, pairingSql, TOTALS_HOUR } from '../domain/pairing-sql';
import { SegmentPairs, SegmentSource, segmentedVerdict, SegmentVerdict } from '../domain/segments';
import { ParityReport } from '../domain/serving-parity';
import { BlockLength, chooseBlockHours, SequencePoint, Verdict } from '../domain/verdict';
import { clientFor, perModel } from '../private/model-io';
import { numberIn, QueryRow, readQueryResult } from '../serving/athena-io';

/** What is fixed when the shadow starts to see requests. */
export interface Comparison {
  /** The first full hour of the comparison. */
  readonly from: string;
  readonly windowEnd: string;
  readonly block: BlockLength;
}

/** One look at what there is: when, and what to ask. */
export interface Look {
  readonly number: number;
  readonly at: string;
  /** Hours before this have their labels. */
  readonly until: string;
  readonly sql: string;
}

export type JudgeEvent =
  | { action: 'staged'; plan: ShadowPlan; time: string; parity?: ParityReport }
  | { action: 'notStaged'; plan: ShadowPlan; time: string; endpoint: { EndpointStatus?: string; FailureReason?: string } }
  | { action: 'start'; plan: ShadowPlan; time: string; historyQueryId: string | null; parity?: ParityReport }
  | { action: 'look'; plan: ShadowPlan; time: string; comparison: Comparison; look: Look; queryId: string; parity?: ParityReport }
  | { action: 'refused'; plan: ShadowPlan; time: string; endpoint: { FailureReason?: string }; parity?: ParityReport };

/** The end of a comparison, as the state machine answers it. */
export interface ShadowResult {
  readonly decision: string;
  readonly reason: string;
  readonly version: string;
  /** `none` where no version was in production. */
  readonly champion: string;
  readonly endpoint: string;
  readonly pairs: number;
  readonly blocks: number;
  readonly lower?: number;
  readonly upper?: number;
  readonly tolerance: number;
  /** How it was judged: loss, error level, and the longest time that the comparison might take. */
  readonly loss: string;
  readonly alpha: number;
  readonly windowHours: number;
  readonly blockHours?: number;
  readonly blockReason?: string;
  readonly championLoss?: number;
  readonly challengerLoss?: number;
  readonly counts?: Counts;
  /** What each value of each segment showed, where segments are told apart. */
  readonly segments?: readonly SegmentVerdict[];
  /** What the version answered on its staging endpoint. */
  readonly parity?: ParityReport;
  readonly sequence: SequencePoint[];
  readonly time: string;
}

export type JudgeAnswer =
  | { decision: 'compare'; reason: string }
  | { decision: 'continue'; comparison: Comparison; look: Look; reason: string }
  | { decision: 'promote' | 'reject' | 'inconclusive'; result: ShadowResult; event: ShadowVerdict };

const MINUTE = 60_000;
/** Points of the sequence that a result carries: enough to draw it, little enough for a state machine's payload. */
const SEQUENCE_POINTS = 60;

const cloudwatch = clientFor(CloudWatchClient);

async function handle(event: JudgeEvent): Promise<JudgeAnswer> {
  switch (event.action) {
    case 'staged': return staged(event);
    case 'notStaged': return ended(event, 'reject', {
      reason: `the staging endpoint did not come up: ${event.endpoint.FailureReason ?? `it is ${event.endpoint.EndpointStatus}`}`,
    });
    case 'start': return start(event);
    case 'look': return look(event);
    case 'refused': return ended(event, 'reject', {
      reason: `the endpoint did not take the shadow: ${event.endpoint.FailureReason ?? 'SageMaker gave no reason'}`,
    });
  }
}

/** What the staging endpoint showed decides alone where it was bad, or where nobody is in production. */
function staged(event: JudgeEvent & { action: 'staged' }): JudgeAnswer {
  const { plan, parity } = event;
  if (parity?.status === 'failed') return ended(event, 'reject', { reason: parity.reason });
  if (plan.champion === undefined) return ended(event, 'promote', { reason: 'nothing to compare with: no version is in production' });
  return { decision: 'compare', reason: parity?.reason ?? 'there was no staging endpoint' };
}

async function start(event: JudgeEvent & { action: 'start' }): Promise<JudgeAnswer> {
  const { plan, time } = event;
  const { settings } = plan;
  const from = new Date(Math.ceil(Date.parse(time) / (60 * MINUTE)) * 60 * MINUTE).toISOString();
  const comparison = {
    from,
    windowEnd: hourAt(from, settings.windowHours),
    block: settings.blockHours === undefined
      ? await measuredBlock(plan, event.historyQueryId)
      : { blockHours: settings.blockHours, reason: 'as configured' },
  };
  return { decision: 'continue', comparison, look: nextLook(plan, comparison, time, 1), reason: 'the comparison starts' };
}

async function measuredBlock(plan: ShadowPlan, historyQueryId: string | null): Promise<BlockLength> {
  const rows = historyQueryId === null ? [] : await readQueryResult(historyQueryId);
  const history = rows.map((row) => ({
    hour: hourAt(plan.history?.from ?? '', numberIn(row, 'hour')), pairs: numberIn(row, 'pairs'), loss: numberIn(row, 'loss'),
  }));
  return chooseBlockHours(history, { maxHours: longestBlockHours(plan.settings) });
}

async function look(event: JudgeEvent & { action: 'look' }): Promise<JudgeAnswer> {
  const { plan, comparison, time } = event;
  const { settings } = plan;
  const endpoint = await describeEndpoint(settings.endpointName);
  const there = endpoint?.EndpointConfigName;
  if (there !== plan.names.shadowEndpointConfig) {
    return ended(event, 'inconclusive', { reason: `something else moved the endpoint to ${there ?? 'nothing'} while the comparison ran` }, comparison);
  }
  const rows = await readQueryResult(event.queryId);
  const requests = rows.filter(({ segment }) => segment === undefined);
  const counts = sumCounts(requests);
  const problem = healthProblem(await health(plan, comparison.from, time), counts, settings);
  const sources = settings.segments ?? [];
  const { verdict, segments } = segmentedVerdict({
    start: comparison.from,
    until: event.look.until,
    windowOver: Date.parse(event.look.at) >= Date.parse(comparison.windowEnd),
    hours: requests.filter((row) => numberIn(row, 'hour') !== TOTALS_HOUR).map((row) => hourOfPairs(row, comparison.from)),
    settings: { tolerance: settings.tolerance, alpha: settings.alpha, minSamples: settings.minSamples, blockHours: comparison.block.blockHours },
    sources,
    pairs: rows.flatMap((row) => segmentPairs(row, sources, comparison.from)),
  });
  const shown = { counts, ...(sources.length === 0 ? {} : { segments }) };
  if (problem !== undefined) return ended(event, 'reject', { ...verdict, reason: problem }, comparison, shown);
  if (verdict.decision !== 'continue') return ended(event, verdict.decision, verdict, comparison, shown);
  return { decision: 'continue', comparison, look: nextLook(plan, comparison, event.look.at, event.look.number + 1), reason: verdict.reason };
}

function hourOfPairs(row: QueryRow, from: string): { hour: string; pairs: number; champion: number; challenger: number } {
  for (const column of PAIRING_COLUMNS) numberIn(row, column);
  return {
    hour: hourAt(from, numberIn(row, 'hour')),
    pairs: numberIn(row, 'pairs'),
    champion: numberIn(row, 'champion_loss'),
    challenger: numberIn(row, 'challenger_loss'),
  };
}

function segmentPairs(row: QueryRow, sources: readonly SegmentSource[], from: string): SegmentPairs[] {
  if (row.segment === undefined) return [];
  return [{ ...hourOfPairs(row, from), segment: sources[numberIn(row, 'segment')].name, value: row.segment_value ?? '' }];
}

function nextLook(plan: ShadowPlan, comparison: Comparison, after: string, number: number): Look {
  const { settings, names } = plan;
  const at = new Date(Math.min(Date.parse(after) + settings.evaluateEveryMinutes * MINUTE, Date.parse(comparison.windowEnd))).toISOString();
  const complete = Math.floor((Date.parse(at) - settings.labelDelayMinutes * MINUTE) / (60 * MINUTE)) * 60 * MINUTE;
  const until = new Date(Math.max(complete, Date.parse(comparison.from))).toISOString();
  const sql = pairingSql({
    configName: names.shadowEndpointConfig,
    endpointName: settings.endpointName,
    championVariant: settings.productionVariantName,
    challengerVariant: settings.shadowVariantName,
    from: comparison.from,
    until,
    labelsUntil: at,
    loss: settings.loss,
    ...(settings.segments === undefined ? {} : { segments: { sources: settings.segments, blockHours: comparison.block.blockHours } }),
  });
  return { number, at, until, sql };
}

/** How the shadow's fleet did since it started, hour by hour. */
async function health(plan: ShadowPlan, from: string, time: string): Promise<ShadowHealth> {
  const { endpointName, shadowVariantName } = plan.settings;
  const query = (Id: string, MetricName: string, Stat: string) => ({
    Id,
    MetricStat: {
      Metric: { Namespace: 'AWS/SageMaker', MetricName, Dimensions: [{ Name: 'EndpointName', Value: endpointName }, { Name: 'VariantName', Value: shadowVariantName }] },
      Period: 3600,
      Stat,
    },
  });
  const values: Record<string, number[]> = {};
  let token: string | undefined;
  do {
    const page = await cloudwatch.send(new GetMetricDataCommand({
      MetricDataQueries: [
        query('invocations', 'Invocations', 'Sum'), query('server', 'Invocation5XXErrors', 'Sum'), query('model', 'InvocationModelErrors', 'Sum'),
        query('latency', 'ModelLatency', 'p95'),
      ],
      StartTime: new Date(from),
      EndTime: new Date(Math.max(Date.parse(time), Date.parse(from) + MINUTE)),
      ...(token === undefined ? {} : { NextToken: token }),
    }));
    for (const result of page.MetricDataResults ?? []) values[result.Id ?? ''] = [...values[result.Id ?? ''] ?? [], ...result.Values ?? []];
    token = page.NextToken;
  } while (token !== undefined);
  const total = (id: string) => (values[id] ?? []).reduce((sum, value) => sum + value, 0);
  return { invocations: total('invocations'), serverErrors: total('server'), modelErrors: total('model'), latencyP95: values.latency ?? [] };
}

function ended(
  { plan, time, parity }: { plan: ShadowPlan; time: string; parity?: ParityReport }, decision: 'promote' | 'reject' | 'inconclusive',
  verdict: Partial<Verdict> & { reason: string }, comparison?: Comparison, shown: Pick<ShadowResult, 'counts' | 'segments'> = {},
): JudgeAnswer {
  const event: ShadowVerdict = {
    endpoint: plan.settings.endpointName,
    version: plan.candidate.version,
    champion: plan.champion?.version ?? 'none',
    decision,
    // whoever lets a version pass says what it was judged on
    reason: decision === 'promote' ? `${verdict.reason}; ${parity?.reason ?? 'there was no staging endpoint'}` : verdict.reason,
    pairs: verdict.pairs ?? 0,
    blocks: verdict.blocks ?? 0,
    ...(verdict.lower === undefined || verdict.upper === undefined ? {} : { lower: verdict.lower, upper: verdict.upper }),
    tolerance: plan.settings.tolerance,
    ...(plan.fence === null ? {} : { release: plan.fence.execution }),
    time,
  };
  const sequence = verdict.sequence ?? [];
  const every = Math.max(1, Math.ceil(sequence.length / SEQUENCE_POINTS));
  const { loss, alpha, windowHours } = plan.settings;
  const result: ShadowResult = {
    ...event,
    loss,
    alpha,
    windowHours,
    ...(comparison === undefined ? {} : { blockHours: comparison.block.blockHours, blockReason: comparison.block.reason }),
    ...(verdict.championLoss === undefined ? {} : { championLoss: verdict.championLoss, challengerLoss: verdict.challengerLoss }),
    ...shown,
    ...(parity === undefined ? {} : { parity }),
    sequence: sequence.filter((_, i) => i % every === 0 || i === sequence.length - 1),
  };
  return { decision, result, event };
}

export const handler = perModel(handle);
