/**
 * A short mark of a text: eight hexadecimal digits for each word. The same text always gives the same mark, and two
 * texts of ours hardly ever the same. Not for secrets: it is no cryptographic hash.
 */
export function fingerprint(text: string, words = 1): string {
  return Array.from({ length: words }, (_, word) => mark(text, word).toString(16).padStart(8, '0')).join('');
}

/** FNV-1a over UTF-16 units, with the finalizer of MurmurHash3 so that every bit of the text reaches every bit of the mark. */
function mark(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
