/** Plots as plain SVG text: the report opens without a network and without scripts. */

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [number, number])[];
  /** Draws the area between `points` and these instead of a line. */
  readonly band?: readonly (readonly [number, number])[];
  readonly stepped?: boolean;
  readonly dashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: (value: number) => string;
  readonly y?: (value: number) => string;
  readonly width?: number;
  readonly height?: number;
  /** A horizontal line with its meaning. */
  readonly rule?: { readonly at: number; readonly label: string };
  readonly yRange?: readonly [number, number];
}

export const escape = (text: string) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
const palette = ['#2563eb', '#d97706', '#059669', '#dc2626', '#7c3aed', '#0891b2', '#be185d', '#65a30d'];
export const colorOf = (index: number) => palette[index % palette.length];

/** About five round numbers that span the range. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? power * 10;
  const found: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) found.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  return found;
}

const short = (value: number) => Math.abs(value) >= 1000 ? value.toLocaleString('en') : String(Number(value.toPrecision(3)));

export function plot(series: readonly Series[], options: PlotOptions): string {
  const [width, height] = [options.width ?? 520, options.height ?? 230];
  const box = { left: 52, right: 12, top: 30, bottom: 28 };
  const all = series.flatMap(({ points, band }) => [...points, ...band ?? []]).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return `<figure><figcaption>${escape(options.title)}</figcaption><p class="empty">nothing was recorded</p></figure>`;
  const xs = all.map(([x]) => x);
  const ys = [...all.map(([, y]) => y), ...options.rule === undefined ? [] : [options.rule.at]];
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = options.yRange ?? [Math.min(...ys), Math.max(...ys)];
  const pad = options.yRange === undefined ? (high - low || Math.abs(high) || 1) * 0.06 : 0;
  const [y0, y1] = [low - pad, high + pad];
  const px = (x: number) => box.left + ((x - x0) / (x1 - x0 || 1)) * (width - box.left - box.right);
  const py = (y: number) => height - box.bottom - ((Math.min(Math.max(y, y0), y1) - y0) / (y1 - y0)) * (height - box.top - box.bottom);
  const at = ([x, y]: readonly [number, number]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;

  const grid = ticks(y0, y1).map((tick) => `<line class="grid" x1="${box.left}" x2="${width - box.right}" y1="${py(tick)}" y2="${py(tick)}"/>
    <text class="tick" x="${box.left - 6}" y="${py(tick) + 3}" text-anchor="end">${escape((options.y ?? short)(tick))}</text>`);
  const labels = [0, 0.25, 0.5, 0.75, 1].map((share) => x0 + share * (x1 - x0)).map((x, i) =>
    `<text class="tick" x="${px(x)}" y="${height - 8}" text-anchor="${i === 0 ? 'start' : i === 4 ? 'end' : 'middle'}">${escape(options.x(x))}</text>`);
  const rule = options.rule === undefined ? '' : `<line class="rule" x1="${box.left}" x2="${width - box.right}" y1="${py(options.rule.at)}" y2="${py(options.rule.at)}"/>
    <text class="rule" x="${width - box.right}" y="${py(options.rule.at) - 4}" text-anchor="end">${escape(options.rule.label)}</text>`;
  const drawn = series.map((one) => {
    const points = one.points.filter(([, y]) => Number.isFinite(y));
    if (one.band !== undefined) {
      return `<polygon fill="${one.color}" fill-opacity="0.18" stroke="${one.color}" points="${[...points, ...[...one.band].reverse()].map(at).join(' ')}"/>`;
    }
    const path = one.stepped === true
      ? points.flatMap((point, i) => i === 0 ? [point] : [[point[0], points[i - 1][1]] as const, point])
      : points;
    const dots = points.length === 1 ? `<circle r="3" fill="${one.color}" cx="${px(points[0][0])}" cy="${py(points[0][1])}"/>` : '';
    return `<polyline fill="none" stroke="${one.color}" stroke-width="1.6"${one.dashed === true ? ' stroke-dasharray="4 3"' : ''} points="${path.map(at).join(' ')}"/>${dots}`;
  });
  const legend = series.filter(({ name }) => name !== '').map(({ name, color }) => `<span><i style="background:${color}"></i>${escape(name)}</span>`);
  return `<figure><figcaption>${escape(options.title)}</figcaption>
  <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(options.title)}">${[...grid, ...labels, ...drawn, rule].join('')}</svg>
  <div class="legend">${legend.join('')}</div></figure>`;
}

export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly color: string;
  readonly label: string;
}

/** One row per name, with bars over time. */
export function timeline(rows: readonly { readonly name: string; readonly bars: readonly Bar[]; readonly note: string }[], x: (value: number) => string): string {
  const all = rows.flatMap(({ bars }) => bars.flatMap(({ from, to }) => [from, to]));
  if (all.length === 0) return '<p class="empty">no version was registered</p>';
  const [x0, x1] = [Math.min(...all), Math.max(...all)];
  const [left, width, step] = [70, 1080, 30];
  const px = (value: number) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - 10);
  const body = rows.map(({ name, bars, note }, i) => {
    const y = 8 + i * step;
    const drawn = bars.map((bar) => `<rect x="${px(bar.from)}" y="${y}" width="${Math.max(2, px(bar.to) - px(bar.from))}" height="18" rx="3" fill="${bar.color}"><title>${escape(bar.label)}</title></rect>`);
    return `<text class="name" x="0" y="${y + 13}">${escape(name)}</text>${drawn.join('')}<title>${escape(note)}</title>`;
  });
  const height = rows.length * step + 30;
  const labels = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => x0 + share * (x1 - x0)).map((value, i) =>
    `<text class="tick" x="${px(value)}" y="${height - 6}" text-anchor="${i === 0 ? 'start' : i === 5 ? 'end' : 'middle'}">${escape(x(value))}</text>`);
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="versions over time">${[...body, ...labels].join('')}</svg>`;
}
