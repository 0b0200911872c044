import { accuracyPlots, releasePlots, verdictPlots } from './plots';
import { Report, VersionReport } from './report';
import { Bar, Row, escape, timeline } from './svg';
import { alertInWords, capital, plain, plainName } from './words';

const stages: Record<string, string> = {
  Registered: '#9ca3af', Staging: '#3b82f6', Canary: '#f59e0b', Production: '#059669', Archived: '#6b7280', Rejected: '#dc2626', RolledBack: '#b45309', Superseded: '#7c3aed',
};
const ended = new Set(['Archived', 'Rejected', 'RolledBack', 'Superseded']);
const outcomes: Record<VersionReport['outcome'], string> = {
  'production': '#059669', 'archived': '#6b7280', 'rejected': '#dc2626', 'rolled-back': '#b45309', 'superseded': '#7c3aed',
};
const kinds = { alarm: '#dc2626', resolved: '#059669', notice: '#2563eb' };
const day = (value: number) => new Date(value).toISOString().slice(0, 10);
const minute = (value: string) => value.slice(0, 16).replace('T', ' ');
const figure = (value: number | null) => value === null ? '–' : Math.abs(value) >= 1000 ? value.toFixed(0) : value.toPrecision(3);

const style = `
:root { color-scheme: light dark; --ink: #111827; --soft: #6b7280; --line: #e5e7eb; --back: #ffffff; --card: #f9fafb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --soft: #9ca3af; --line: #374151; --back: #111827; --card: #1f2937; } }
* { box-sizing: border-box } body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); margin: 0 auto; max-width: 1160px; padding: 28px 24px 60px; }
h1 { font-size: 26px; margin: 0 } h2 { font-size: 18px; margin: 38px 0 4px } p.lead { color: var(--soft); margin: 4px 0 18px } p.about { color: var(--soft); font-size: 13.5px; margin: 0 0 10px }
table { border-collapse: collapse; width: 100%; font-size: 13.5px } th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } td.f { white-space: nowrap } .wide { overflow-x: auto }
td.step { width: 38% } td.said { overflow-wrap: anywhere; color: var(--soft) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px } .tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px }
.tile b { display: block; font-size: 22px; line-height: 1.25 } .tile span { color: var(--soft); font-size: 12.5px }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px } figcaption { font-weight: 600; font-size: 14px } p.note { color: var(--soft); font-size: 12px; margin: 0 0 4px }
svg { width: 100%; height: auto; display: block } svg text { fill: var(--soft); font-size: 11px } svg text.name { fill: var(--ink); font-size: 13px; font-weight: 600 } svg text.on { fill: #fff; font-size: 12px }
svg .grid { stroke: var(--line) } svg line.rule { stroke: #dc2626; stroke-dasharray: 5 4 } svg text.rule { fill: #dc2626 } svg line.mark { stroke: #dc2626; stroke-opacity: .6 } svg text.mark { fill: #dc2626 }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 12px; color: var(--soft); margin-top: 6px } .legend i { display: inline-block; vertical-align: middle; width: 12px; height: 10px; border-radius: 2px; margin-right: 5px }
.ok { color: #059669 } .bad { color: #dc2626 } .dim, .empty { color: var(--soft) } .chip { display: inline-block; border-radius: 4px; padding: 0 7px; color: #fff; font-size: 12px; white-space: nowrap }
`;

type Cell = string | { readonly html: string; readonly kind?: string };
const chip = (text: string, color: string) => ({ html: `<span class="chip" style="background:${color}">${escape(text)}</span>` });
const said = (text: string): Cell => ({ html: escape(plain(text)), kind: 'said' });
const fixed = (text: string): Cell => ({ html: escape(text), kind: 'f' });
const number = (text: string): Cell => ({ html: escape(text), kind: 'n' });

/** The whole run on one page that needs nothing but itself. */
export function html(report: Report): string {
  const sections: [string, string, string][] = [
    ['What had to come out', '', checks(report)],
    ['Versions', 'From its registration on, each version is tried, released, and replaced. Point at a bar for its reason.',
      timeline(report.versions.map((version) => lifeline(version, report)), day) + stageLegend() + versionTable(report)],
    ['Accounts', 'What each version was judged on, how, against whom, and what was decided: the same text is in the ledger, on the model package and in alerts.',
      table(['version', 'account'], report.versions.flatMap(({ version, account }) => (account === undefined ? [] : [[fixed(version), said(account)]])))],
    ['Live accuracy', 'Every day the labels that arrived are compared with what each version had answered; dashed is a version in the shadow, which callers do not see.',
      `<div class="grid2">${accuracyPlots(report)}</div>`],
    ['Shadow verdicts', 'The excess loss of a challenger over the champion with its tolerance. Its interval holds however often it is looked at: all of it below 0 promotes, all of it above 0 rejects.',
      `<div class="grid2">${verdictPlots(report)}</div>`],
    ['Traffic during the releases', 'Share of the requests that the new fleet was given.', `<div class="grid2">${releasePlots(report)}</div>`],
    ['Alerts', 'What arrived in the mailbox.', alerts(report)],
    ['Stopped before they had a number', '', table(['commit', 'data', 'why'], report.rejected.map((one) => [fixed(one.commit.slice(0, 8)), fixed(dataset(one.dataset)), said(one.reason)]))],
    ['Who may do what', 'Asked of the policies of the template; the other team has AdministratorAccess within the permissions boundary. Point at an answer for the statement that decides.', whoMayDoWhat(report)],
    ['Denied', 'What people tried and the policies of the template did not allow.', table(['who', 'what', 'on', 'decided by'],
      report.denied.map((one) => [fixed(capital(plainName(one.persona))), one.action, capital(plainName(one.resource)), said(one.by)]))],
    ['What ran on which stand-in', '', table(['AWS service', 'here'], report.standIns.map((one) => [one.service, { html: escape(one.by), kind: 'said' }]))],
    ['Real time taken on this machine', '', table(['step', { html: 'seconds', kind: 'n' }], report.timings.map((one) => [one.step, number(one.seconds.toFixed(1))]))],
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>cdk-mlops: local run</title><style>${style}</style></head><body>
<h1>From a merge to a monitored model: <span class="${report.ok ? 'ok' : 'bad'}">${report.ok ? 'it came out' : 'it did not come out'}</span></h1>
<p class="lead">${escape(report.data.name)}; ${report.data.features} features predict ${escape(report.data.target)}. All times are the data's own unless they are called real.</p>
${tiles(report)}
${sections.map(([title, about, body]) => `<h2>${title}</h2>${about === '' ? '' : `<p class="about">${about}</p>`}${body}`).join('\n')}
</body></html>`;
}

function tiles(report: Report): string {
  const { sent, answered, failed } = report.traffic;
  const production = report.versions.find(({ outcome }) => outcome === 'production');
  const shown = report.checks.filter(({ shown: seen }) => seen);
  const count = (value: number) => value.toLocaleString('en');
  const entries: [string, string][] = [
    [production?.version ?? 'none', 'in production at the end'],
    [`${shown.filter(({ ok }) => ok).length} of ${shown.length}`, `steps came out${shown.length < report.checks.length ? `; ${report.checks.length - shown.length} not shown by this data` : ''}`],
    [count(report.data.rows), 'rows of data'],
    [count(answered), `of ${count(sent)} requests answered, ${count(failed)} failed`],
    [String(report.alerts.length), 'mails to the operators'],
    [`${report.seconds.toFixed(0)} s`, 'real time on this machine'],
  ];
  return `<div class="tiles">${entries.map(([value, what]) => `<div class="tile"><b>${escape(value)}</b><span>${escape(what)}</span></div>`).join('')}</div>`;
}

function table(head: readonly Cell[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '<p class="empty">none</p>';
  const cell = (tag: string) => (value: Cell) => typeof value === 'string' ? `<${tag}>${escape(value)}</${tag}>`
    : `<${tag}${value.kind === undefined ? '' : ` class="${value.kind}"`}>${value.html}</${tag}>`;
  return `<div class="wide"><table><tr>${head.map(cell('th')).join('')}</tr>${rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`).join('')}</table></div>`;
}

function checks(report: Report): string {
  return table(['', 'step', 'what was seen'], report.checks.map((check) => [
    check.shown ? { html: `<b class="${check.ok ? 'ok' : 'bad'}">${check.ok ? '✓' : '✗'}</b>` } : { html: '<span class="dim">·</span>' },
    { html: `${escape(capital(check.step))}${check.shown ? '' : ' <span class="dim">(not shown by this data)</span>'}`, kind: 'step' },
    said(check.detail),
  ]));
}

/** A line for each attempt, with the answer to each persona. */
function whoMayDoWhat({ access = [] }: Report): string {
  const personas = [...new Set(access.map(({ persona }) => persona))];
  const attempts = [...new Map(access.map((one) => [one.attempt, one])).values()];
  const answer = (attempt: string, persona: string): Cell => {
    const found = access.find((one) => one.attempt === attempt && one.persona === persona);
    if (found === undefined) return '';
    return { html: `<span class="${found.allowed ? 'ok' : found.by.startsWith('explicit') ? 'bad' : 'dim'}" title="${escape(plain(found.by))}">${found.allowed ? 'yes' : 'no'}</span>` };
  };
  // a reason that is not everybody's says whose it is
  const denying = (attempt: string): string => {
    const denied = access.filter((one) => one.attempt === attempt && !one.allowed);
    const reasons = new Map<string, string[]>();
    for (const { by, persona } of denied) {
      const reason = plain(by.replace(/^(explicit|implicit) deny: /, ''));
      reasons.set(reason, [...reasons.get(reason) ?? [], plainName(persona)]);
    }
    return [...reasons].map(([reason, whose]) => reasons.size === 1 ? reason : `${reason} (${whose.join(', ')})`).join('; ');
  };
  return table(['to', ...personas.map((persona) => capital(plainName(persona))), 'action', 'denied by'], attempts.map(({ attempt, action }) => [
    capital(attempt), ...personas.map((persona) => answer(attempt, persona)), fixed(action), said(denying(attempt)),
  ]));
}

function versionTable(report: Report): string {
  const numeric = (name: string) => ({ html: name, kind: 'n' });
  return table(['version', 'cause', 'commit', 'data until', numeric('MSE'), numeric('RMSE'), numeric('R²'), 'outcome', 'why'], report.versions.map((one) => [
    { html: `<b>${escape(one.version)}</b>`, kind: 'f' }, one.cause === 'auto' ? 'new data' : 'merge', fixed(one.commit.slice(0, 8)), fixed(dataset(one.dataset)),
    number(figure(one.evaluation.mse)), number(figure(one.evaluation.rmse)), number(figure(one.evaluation.r2)),
    chip(one.outcome, outcomes[one.outcome]), said(one.reason),
  ]));
}

/** Versions of a dataset begin with their time. */
function dataset(version: string): string {
  const [, year, month, date] = /^(\d{4})(\d\d)(\d\d)T/.exec(version) ?? [];
  return year === undefined ? version : `${year}-${month}-${date}`;
}

function lifeline(version: VersionReport, report: Report): Row {
  const moments = [...report.quality.map(({ to }) => to), ...report.versions.flatMap(({ history }) => history.map(({ at }) => at))];
  const last = Math.max(...moments.map((at) => Date.parse(at)));
  // what ends a version is a point, drawn above the bars
  const bars = version.history.filter(({ stage }) => stage !== 'Registered').map(({ stage, at, reason }): Bar => {
    const next = version.history.find((one) => Date.parse(one.at) > Date.parse(at));
    return {
      from: Date.parse(at),
      to: ended.has(stage) ? Date.parse(at) : next === undefined ? last : Date.parse(next.at),
      color: stages[stage] ?? '#9ca3af',
      name: stage === 'Staging' ? 'Shadow' : stage,
      label: `${stage} from ${minute(at)}: ${plain(reason)}`,
    };
  });
  return { name: version.version, bars, note: plain(version.reason) };
}

function stageLegend(): string {
  const shown = Object.entries(stages).filter(([name]) => name !== 'Registered');
  return `<div class="legend" style="margin-bottom:14px">${shown.map(([name, color]) =>
    `<span><i style="background:${color}${ended.has(name) ? ';border-radius:50%;width:10px' : ''}"></i>${name === 'Staging' ? 'Shadow' : name}</span>`).join('')}</div>`;
}

function alerts(report: Report): string {
  return table(['when', 'what', 'message'], report.alerts.map(({ at, name, message }) => {
    const { kind, title, text } = alertInWords(name, message);
    return [fixed(minute(at)), { html: chip(title, kinds[kind]).html, kind: 'f' }, { html: escape(text), kind: 'said' }];
  }));
}
