/** The name that takes the fewest edits to reach, whatever the case. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const wanted = name.trim().toLowerCase();
  const ranked = names.map((one) => ({ one, edits: edits(wanted, one.trim().toLowerCase()) })).sort((a, b) => a.edits - b.edits);
  return ranked[0]?.one;
}

function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
