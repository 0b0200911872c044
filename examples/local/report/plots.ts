import { Report, VersionReport } from './report';
import { Series, colorOf, plot } from './svg';

const SHADOW = ' (shadow)';
const day = (value: number) => new Date(value).toISOString().slice(0, 10);
const clock = (value: number) => new Date(value).toISOString().slice(5, 16).replace('T', ' ');

/** A version has one color in all plots; a shadow is its version's, dashed. */
function colors(report: Report): (version: string) => string {
  const versions = report.versions.map(({ version }) => version);
  return (version) => colorOf(Math.max(0, versions.indexOf(version.replace(SHADOW, ''))));
}

export function accuracyPlots(report: Report): string {
  const color = colors(report);
  const versions = [...new Set(report.quality.map(({ version }) => version))];
  const marks = report.alerts.filter(({ message }) => /"NewStateValue":"ALARM"/.test(message)).map(({ at }) => ({ at: Date.parse(at), label: 'alarm' }));
  return ([['mse', 'MSE'], ['rmse', 'RMSE'], ['mae', 'MAE'], ['r2', 'R²']] as const).map(([metric, name]) => {
    const series = versions.map((version): Series => ({
      name: version.replace(SHADOW, ' in shadow'),
      color: color(version),
      dashed: version.endsWith(SHADOW),
      points: report.quality.filter((row) => row.version === version).map((row) => [Date.parse(row.to), row[metric] ?? NaN] as const),
    }));
    const note = `${metric === 'r2' ? 'of the labels of a day; 1 is perfect, 0 is the mean' : 'of the labels of a day; lower is better'}. Outliers are drawn at the edge.`;
    return plot(series, { title: name, x: day, robust: true, marks, note });
  }).join('');
}

export function verdictPlots(report: Report): string {
  const color = colors(report);
  const judged = report.versions.filter(({ verdict }) => verdict !== null && verdict.sequence.length > 0);
  if (judged.length === 0) return '<p class="empty">no version was judged by an interval</p>';
  return judged.map((one) => {
    const looks = one.verdict?.sequence ?? [];
    const series: Series[] = [
      { name: 'mean so far', color: '#6b7280', points: meanSoFar(one, report) },
      {
        name: looks.length > 1 ? 'interval at each look' : 'interval at the first look that may decide, which did',
        color: color(one.version),
        points: looks.map((look) => [look.pairs, look.upper] as const),
        band: looks.map((look) => [look.pairs, look.lower] as const),
      },
    ];
    return plot(series, {
      title: `${one.version}: ${one.verdict?.decision ?? ''} after ${one.verdict?.pairs ?? 0} pairs`,
      note: 'excess loss (squared error) by the number of requests that both answered',
      x: (pairs) => `${Math.round(pairs)}`,
      rule: { at: 0, label: 'as good as the champion plus tolerance' },
    });
  }).join('');
}

/** How the mean excess loss settled while labels came in, from the published figures of both versions. */
function meanSoFar({ version, verdict }: VersionReport, report: Report): (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  let [pairs, sum] = [0, 0];
  for (const row of report.quality.filter((one) => one.version === version + SHADOW)) {
    const champion = report.quality.find((one) => one.to === row.to && one.version !== version && !one.version.endsWith(SHADOW));
    if (champion === undefined) continue;
    pairs += row.samples;
    sum += row.samples * (row.mse - (1 + (verdict?.tolerance ?? 0)) * champion.mse);
    if (pairs > (verdict?.pairs ?? 0)) break;
    points.push([pairs, sum / pairs]);
  }
  return points;
}

export function releasePlots(report: Report): string {
  const color = colors(report);
  const shifted = report.versions.filter(({ shares }) => shares.length > 1);
  if (shifted.length === 0) return '<p class="empty">no traffic was shifted</p>';
  return shifted.map(({ version, outcome, shares }) => plot(
    [{ name: '', color: color(version), stepped: true, points: shares.map(({ at, share }) => [Date.parse(at), share * 100] as const) }],
    { title: `${version}${outcome === 'rolled-back' ? ': rolled back' : ''}`, x: clock, y: (value) => `${value} %`, yRange: [0, 100], height: 190 },
  )).join('');
}
