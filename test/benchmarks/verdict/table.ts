const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table in Markdown, its columns aligned so that it reads as text too. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, i) => Math.max(3, ...[header, ...rows].map((cells) => cells[i].length)));
  const aligned = (cells: readonly string[]) => row(cells.map((cell, i) => cell.padEnd(widths[i])));
  return [aligned(header), row(widths.map((width) => '-'.repeat(width))), ...rows.map(aligned)].join('\n');
}
