import { Report, VersionReport } from './report';
import { Bar, Series, colorOf, escape, plot, timeline } from './svg';

const stages: Record<string, string> = {
  Staging: '#93c5fd', Canary: '#fbbf24', Production: '#059669', Archived: '#9ca3af', Rejected: '#dc2626', RolledBack: '#dc2626', Superseded: '#a78bfa', Registered: '#d1d5db',
};
const ended = new Set(['Archived', 'Rejected', 'RolledBack', 'Superseded']);
const day = (value: number) => new Date(value).toISOString().slice(0, 10);
const minute = (value: string) => value.slice(0, 16).replace('T', ' ');
const figure = (value: number | null) => value === null ? '–' : Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(4);

const style = `
:root { color-scheme: light dark; --ink: #111827; --soft: #6b7280; --line: #e5e7eb; --back: #ffffff; --card: #f9fafb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --soft: #9ca3af; --line: #374151; --back: #111827; --card: #1f2937; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto; max-width: 1120px; padding: 24px; }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 18px; margin: 36px 0 10px } p.lead { color: var(--soft); margin: 4px 0 0 }
table { border-collapse: collapse; width: 100%; font-size: 13.5px } th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 600 } td.n { text-align: right; font-variant-numeric: tabular-nums } .wide { overflow-x: auto }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(480px, 1fr)); gap: 16px }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px } figcaption { font-weight: 600; font-size: 14px }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--soft); font-size: 11px } svg text.name { fill: var(--ink); font-size: 13px }
svg .grid { stroke: var(--line) } svg line.rule { stroke: #dc2626; stroke-dasharray: 5 4 } svg text.rule { fill: #dc2626 }
.legend { display: flex; flex-wrap: wrap; gap: 14px; font-size: 12px; color: var(--soft) } .legend i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px }
.ok { color: #059669 } .bad { color: #dc2626 } .dim, .empty { color: var(--soft) } .chip { display: inline-block; border-radius: 4px; padding: 0 6px; color: #fff; font-size: 12px }
`;

/** The whole run on one page that needs nothing but itself. */
export function html(report: Report): string {
  const sections: [string, string][] = [
    ['What had to come out', checks(report)],
    ['Versions', versionTable(report) + timeline(report.versions.map((version) => lifeline(version, report)), day) + stageLegend()],
    ['Live accuracy, by version', `<div class="grid2">${quality(report)}</div>`],
    ['Shadow verdicts: the confidence sequence over requests', `<div class="grid2">${verdicts(report)}</div>`],
    ['Traffic during the releases', `<div class="grid2">${shares(report)}</div>`],
    ['Alerts', table(['when', 'alert', 'message'], report.alerts.map((alert) => [minute(alert.at), alert.name, alert.message]))],
    ['Stopped before they had a number', table(['commit', 'dataset', 'reason'], report.rejected.map((one) => [one.commit.slice(0, 8), one.dataset, one.reason]))],
    ['Denied', table(['persona', 'action', 'resource', 'decided by'], report.denied.map((one) => [one.persona, one.action, one.resource, one.by]))],
    ['What ran on which stand-in', table(['AWS service', 'here'], report.standIns.map((one) => [one.service, one.by]))],
    ['Real time taken on this machine', table(['step', 'seconds'], report.timings.map((one) => [one.step, one.seconds.toFixed(1)]))],
  ];
  const { sent, answered, failed } = report.traffic;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>cdk-mlops: local run</title><style>${style}</style></head><body>
<h1>From a merge to a monitored model <span class="${report.ok ? 'ok' : 'bad'}">${report.ok ? 'came out' : 'did not come out'}</span></h1>
<p class="lead">${escape(report.data.name)}: ${report.data.rows.toLocaleString('en')} rows, ${report.data.features} features, target ${escape(report.data.target)}.
${sent.toLocaleString('en')} requests sent, ${answered.toLocaleString('en')} answered, ${failed} failed. ${report.seconds.toFixed(0)} seconds on this machine; all times below are the data's own.</p>
${sections.map(([title, body]) => `<h2>${title}</h2>${body}`).join('\n')}
</body></html>`;
}

function table(head: string[], rows: (string | { html: string })[][]): string {
  if (rows.length === 0) return '<p class="empty">none</p>';
  const cell = (value: string | { html: string }) => `<td>${typeof value === 'string' ? escape(value) : value.html}</td>`;
  return `<div class="wide"><table><tr>${head.map((name) => `<th>${escape(name)}</th>`).join('')}</tr>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('')}</table></div>`;
}

function checks(report: Report): string {
  return table(['', 'step', 'what was seen'], report.checks.map((check) => [
    { html: check.shown ? `<b class="${check.ok ? 'ok' : 'bad'}">${check.ok ? 'yes' : 'no'}</b>` : '<span class="dim">not shown by this data</span>' }, check.step, check.detail,
  ]));
}

function versionTable(report: Report): string {
  return table(['version', 'cause', 'commit', 'dataset', 'MSE', 'R²', 'verdict', 'outcome', 'reason'], report.versions.map((one) => [
    one.version, one.cause, one.commit.slice(0, 8), one.dataset, figure(one.evaluation.mse), figure(one.evaluation.r2),
    one.verdict === null ? '–' : `${one.verdict.decision} after ${one.verdict.pairs} pairs`,
    { html: `<span class="chip" style="background:${outcomeColor(one.outcome)}">${one.outcome}</span>` }, one.reason,
  ]));
}

const outcomeColor = (outcome: VersionReport['outcome']) =>
  ({ 'production': '#059669', 'archived': '#6b7280', 'rejected': '#dc2626', 'rolled-back': '#b45309', 'superseded': '#7c3aed' })[outcome];

function lifeline(version: VersionReport, report: Report): { name: string; bars: Bar[]; note: string } {
  const last = Math.max(...report.quality.map(({ to }) => Date.parse(to)), ...report.versions.flatMap(({ history }) => history.map(({ at }) => Date.parse(at))));
  const bars = version.history.map(({ stage, at, reason }, i) => ({
    from: Date.parse(at),
    to: ended.has(stage) ? Date.parse(at) : Date.parse(version.history[i + 1]?.at ?? new Date(last).toISOString()),
    color: stages[stage] ?? '#d1d5db',
    label: `${stage} ${minute(at)}: ${reason}`,
  }));
  return { name: version.version, bars, note: version.reason };
}

function stageLegend(): string {
  return `<div class="legend">${Object.entries(stages).map(([name, color]) => `<span><i style="background:${color}"></i>${name}</span>`).join('')}</div>`;
}

function quality(report: Report): string {
  const versions = [...new Set(report.quality.map(({ version }) => version))];
  return (['mse', 'rmse', 'mae', 'r2'] as const).map((metric) => {
    const series: Series[] = versions.map((version, i) => ({
      name: version, color: colorOf(i),
      points: report.quality.filter((row) => row.version === version && row[metric] !== null).map((row) => [Date.parse(row.to), row[metric] ?? NaN] as const),
    }));
    return plot(series, { title: metric === 'r2' ? 'R²' : metric.toUpperCase(), x: day });
  }).join('');
}

function verdicts(report: Report): string {
  const judged = report.versions.filter(({ verdict }) => verdict !== null && verdict.sequence.length > 0);
  if (judged.length === 0) return '<p class="empty">no version was judged in shadow</p>';
  return judged.map(({ version, verdict }, i) => {
    const looks = verdict?.sequence ?? [];
    return plot([{ name: 'interval of the mean excess loss', color: colorOf(i), points: looks.map((look) => [look.pairs, look.upper] as const), band: looks.map((look) => [look.pairs, look.lower] as const) }], {
      title: `${version}: ${verdict?.decision ?? ''} (below 0 promotes, above 0 rejects)`, x: (pairs) => `${Math.round(pairs)} pairs`, rule: { at: 0, label: 'as good as the champion plus tolerance' },
    });
  }).join('');
}

function shares(report: Report): string {
  const shifted = report.versions.filter(({ shares: changes }) => changes.length > 1);
  if (shifted.length === 0) return '<p class="empty">no traffic was shifted</p>';
  return shifted.map(({ version, shares: changes }, i) => plot(
    [{ name: 'share of requests', color: colorOf(i), stepped: true, points: changes.map(({ at, share }) => [Date.parse(at), share * 100] as const) }],
    { title: `${version}: requests answered by the new fleet`, x: (value) => minute(new Date(value).toISOString()), y: (value) => `${value} %`, yRange: [0, 100] },
  )).join('');
}
