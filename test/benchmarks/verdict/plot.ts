import { Cell } from './cells';
import { CORRELATIONS, LOOKS, METHOD_NAMES, METHODS, RATIOS, TAILS, TIMES, TOLERANCE } from './scenarios';

const COLOURS = ['#0b5394', '#999999', '#cc4125', '#e69138', '#8e63a8'];
const [WIDTH, HEIGHT] = [230, 150];
const [LEFT, TOP] = [34, 22];

/** A page without anything from elsewhere: for each kind of stream the share of promotions over the true ratio, a line for each rule. */
export function plot(cells: readonly Cell[]): string {
  const legend = METHODS.map((method, i) => `<span style="color:${COLOURS[i]}">&#9632;</span> ${METHOD_NAMES[method]}`).join('<br>');
  const sections = CORRELATIONS.map((correlation) => `<h2>Correlation ${correlation}</h2>\n${TIMES.map((time) => TAILS
    .map((tail) => panel(`${time}, ${tail}`, cells.filter((cell) => cell.scenario.time === time && cell.scenario.tail === tail
      && cell.correlation === correlation && cell.lookEvery === LOOKS[0]))).join('')).join('<br>\n')}`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What the shadow verdict decides where the truth is known</title>
<style>body{font:14px sans-serif;margin:2em;max-width:60em}svg{margin:4px}text{font:10px sans-serif}</style></head><body>
<h1>Share of promotions by true ratio</h1>
<p>Looking after every pair. Right of the dashed line a promotion is wrong; the dotted line is 5 %.</p>
<p>${legend}</p>
${sections.join('\n')}
</body></html>
`;
}

function panel(title: string, cells: readonly Cell[]): string {
  const [least, most] = [RATIOS[0], RATIOS[RATIOS.length - 1]];
  const x = (ratio: number) => (LEFT + ((ratio - least) / (most - least)) * (WIDTH - LEFT - 8)).toFixed(1);
  const y = (share: number) => (TOP + (1 - share) * (HEIGHT - TOP - 20)).toFixed(1);
  const across = (from: string, to: string, share: number, style: string) => `<line x1="${from}" x2="${to}" y1="${y(share)}" y2="${y(share)}" ${style}/>`;
  const lines = METHODS.map((method, i) => {
    const points = cells.map(({ ratio, methods }) => `${x(ratio)},${y(methods[method].promoted)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${COLOURS[i]}" stroke-width="${i === 0 ? 2.5 : 1.2}"/>`;
  });
  return `<svg width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${title}"><text x="${LEFT}" y="12">${title}</text>
${[0, 0.5, 1].map((share) => `${across(x(least), x(most), share, 'stroke="#ddd"')}<text x="2" y="${y(share)}">${share * 100} %</text>`).join('')}
${across(x(least), x(most), 0.05, 'stroke="#000" stroke-dasharray="1 3"')}
<line x1="${x(1 + TOLERANCE)}" x2="${x(1 + TOLERANCE)}" y1="${TOP}" y2="${HEIGHT - 20}" stroke="#000" stroke-dasharray="4 3"/>
${[0.8, 0.9, 1, 1.1, 1.3].map((ratio) => `<text x="${Number(x(ratio)) - 8}" y="${HEIGHT - 6}">${ratio.toFixed(1)}</text>`).join('')}
${lines.reverse().join('')}</svg>`;
}
