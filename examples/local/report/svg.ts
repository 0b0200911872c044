/** Plots as plain SVG text: the report opens without a network and without scripts. */

export interface Series {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [number, number])[];
  /** Draws the area between `points` and these instead of a line; a single point becomes a bar with ends. */
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
  /** Leaves values far outside of the others out of the range: they are drawn at its edge. */
  readonly robust?: boolean;
  /** Moments that mean something, as vertical lines. */
  readonly marks?: readonly { readonly at: number; readonly label: string }[];
  /** What the axes are, below the title. */
  readonly note?: string;
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

/** Lowest and highest value; the outermost hundredth on either side is left out where it is far from the rest. */
function rangeOf(values: readonly number[], robust: boolean): readonly [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  if (!robust || sorted.length < 20) return [least, most];
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  const reach = (at(0.9) - at(0.1)) * 1.5;
  return [Math.max(least, at(0.1) - reach), Math.min(most, at(0.9) + reach)];
}

export function plot(series: readonly Series[], options: PlotOptions): string {
  const [width, height] = [options.width ?? 520, options.height ?? 240];
  const box = { left: 52, right: 14, top: 14, bottom: 26 };
  const all = series.flatMap(({ points, band }) => [...points, ...band ?? []]).filter(([, y]) => Number.isFinite(y));
  const note = options.note === undefined ? '' : `<p class="note">${escape(options.note)}</p>`;
  if (all.length === 0) return `<figure><figcaption>${escape(options.title)}</figcaption><p class="empty">nothing was recorded</p></figure>`;
  const xs = all.map(([x]) => x);
  const ys = [...all.map(([, y]) => y), ...options.rule === undefined ? [] : [options.rule.at]];
  const [least, most] = [Math.min(...xs), Math.max(...xs)];
  // a single moment stands in the middle
  const [x0, x1] = least === most ? [least - 1, most + 1] : [least, most];
  const [low, high] = options.yRange ?? rangeOf(ys, options.robust === true);
  const pad = (high === low ? Math.abs(high) + 1 : high - low) * 0.06;
  const [y0, y1] = [low - pad, high + pad];
  const px = (x: number) => box.left + ((x - x0) / (x1 - x0)) * (width - box.left - box.right);
  const py = (y: number) => height - box.bottom - ((Math.min(Math.max(y, y0), y1) - y0) / (y1 - y0)) * (height - box.top - box.bottom);
  const at = ([x, y]: readonly [number, number]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;

  const grid = ticks(y0, y1).map((tick) => `<line class="grid" x1="${box.left}" x2="${width - box.right}" y1="${py(tick)}" y2="${py(tick)}"/>
    <text class="tick" x="${box.left - 6}" y="${py(tick) + 3}" text-anchor="end">${escape((options.y ?? short)(tick))}</text>`);
  const places = least === most ? [{ x: least, anchor: 'middle' }]
    : [0, 0.25, 0.5, 0.75, 1].map((share, i) => ({ x: x0 + share * (x1 - x0), anchor: i === 0 ? 'start' : i === 4 ? 'end' : 'middle' }));
  const labels = places.map(({ x, anchor }) => `<text class="tick" x="${px(x)}" y="${height - 8}" text-anchor="${anchor}">${escape(options.x(x))}</text>`);
  const rule = options.rule === undefined ? '' : `<line class="rule" x1="${box.left}" x2="${width - box.right}" y1="${py(options.rule.at)}" y2="${py(options.rule.at)}"/>
    <text class="rule" x="${width - box.right}" y="${py(options.rule.at) - 4}" text-anchor="end">${escape(options.rule.label)}</text>`;
  const markLabel = (x: number, label: string) => x > width * 0.8
    ? `<text class="mark" x="${x - 3}" y="${box.top + 8}" text-anchor="end">${escape(label)}</text>`
    : `<text class="mark" x="${x + 3}" y="${box.top + 8}">${escape(label)}</text>`;
  const marks = (options.marks ?? []).filter(({ at: x }) => x >= x0 && x <= x1).map(({ at: x, label }) =>
    `<line class="mark" x1="${px(x)}" x2="${px(x)}" y1="${box.top}" y2="${height - box.bottom}"/>${markLabel(px(x), label)}`);
  const legend = series.filter(({ name }) => name !== '').map(({ name, color, dashed }) =>
    `<span><i style="${dashed === true ? `border-top:3px dashed ${color};background:none;height:0` : `background:${color}`}"></i>${escape(name)}</span>`);
  return `<figure><figcaption>${escape(options.title)}</figcaption>${note}
  <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(options.title)}">${[...grid, ...labels, ...marks, ...series.map((one) => drawn(one, at)), rule].join('')}</svg>
  <div class="legend">${legend.join('')}</div></figure>`;
}

function drawn(one: Series, at: (point: readonly [number, number]) => string): string {
  const points = one.points.filter(([, y]) => Number.isFinite(y));
  if (points.length === 0) return '';
  if (one.band !== undefined && points.length > 1) {
    return `<polygon fill="${one.color}" fill-opacity="0.18" stroke="${one.color}" points="${[...points, ...[...one.band].reverse()].map(at).join(' ')}"/>`;
  }
  if (one.band !== undefined) {
    const [[x, top], [, bottom]] = [at(points[0]).split(','), at(one.band[0]).split(',')];
    const end = (y: string) => `<line stroke="${one.color}" stroke-width="2" x1="${Number(x) - 7}" x2="${Number(x) + 7}" y1="${y}" y2="${y}"/>`;
    return `<line stroke="${one.color}" stroke-width="2" x1="${x}" x2="${x}" y1="${top}" y2="${bottom}"/>${end(top)}${end(bottom)}`;
  }
  if (points.length === 1) {
    const [x, y] = at(points[0]).split(',');
    return `<circle r="3" fill="${one.color}" cx="${x}" cy="${y}"/>`;
  }
  const path = one.stepped === true ? points.flatMap((point, i) => i === 0 ? [point] : [[point[0], points[i - 1][1]] as const, point]) : points;
  return `<polyline fill="none" stroke="${one.color}" stroke-width="1.6"${one.dashed === true ? ' stroke-dasharray="4 3"' : ''} points="${path.map(at).join(' ')}"/>`;
}

export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly color: string;
  /** What it is, on the bar where there is room. */
  readonly name: string;
  readonly label: string;
}

export interface Row {
  readonly name: string;
  readonly bars: readonly Bar[];
  readonly note: string;
}

/** One row per name, with bars over time. */
export function timeline(rows: readonly Row[], x: (value: number) => string): string {
  const all = rows.flatMap(({ bars }) => bars.flatMap(({ from, to }) => [from, to]));
  if (all.length === 0) return '<p class="empty">no version was registered</p>';
  const [x0, x1] = [Math.min(...all), Math.max(...all)];
  const [left, width, step] = [70, 1080, 34];
  const px = (value: number) => left + ((value - x0) / (x1 - x0 || 1)) * (width - left - 20);
  const height = rows.length * step + 34;
  const places = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) => x0 + share * (x1 - x0));
  const grid = places.map((value) => `<line class="grid" x1="${px(value)}" x2="${px(value)}" y1="4" y2="${height - 22}"/>`);
  const body = rows.map(({ name, bars, note }, i) => {
    const y = 8 + i * step;
    const shown = bars.map((bar) => {
      const [from, wide] = [px(bar.from), Math.max(3, px(bar.to) - px(bar.from))];
      const title = `<title>${escape(bar.label)}</title>`;
      if (bar.to <= bar.from) return `<circle cx="${from}" cy="${y + 10}" r="5" fill="${bar.color}" stroke="var(--back)" stroke-width="1.5">${title}</circle>`;
      const text = wide > bar.name.length * 7 + 10 ? `<text class="on" x="${from + 7}" y="${y + 14}">${escape(bar.name)}</text>` : '';
      return `<g><rect x="${from}" y="${y}" width="${wide}" height="20" rx="4" fill="${bar.color}"/>${text}${title}</g>`;
    });
    return `<g><title>${escape(note)}</title><text class="name" x="0" y="${y + 14}">${escape(name)}</text></g>${shown.join('')}`;
  });
  const labels = places.map((value, i) => `<text class="tick" x="${px(value)}" y="${height - 6}" text-anchor="${i === 0 ? 'start' : i === 5 ? 'end' : 'middle'}">${escape(x(value))}</text>`);
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="versions over time">${[...grid, ...body, ...labels].join('')}</svg></figure>`;
}
