import * as fs from 'fs';
import * as path from 'path';

/**
 * `@default` compared with the code: wherever a documented default is a literal, the code that applies it
 * (`props.name ?? literal`, also through a constant) must say the same.
 */
const src = path.join(__dirname, '..', '..', 'src');
const files = (fs.readdirSync(src, { recursive: true }) as string[]).filter((name) => name.endsWith('.ts') && !/\.lambda\.ts$|-function\.ts$/.test(name))
  .map((name) => ({ name, text: fs.readFileSync(path.join(src, name), 'utf8') }));

interface Documented { file: string; struct: string; member: string; value: string }

const isLiteral = (value: string) => /^(-?\d[\d._]*|true|false|'[^']*'|\[[^\]]*\]|Duration\.\w+\([\d._]+\)|[A-Z]\w+\.[A-Z][A-Z0-9_]*(\.\w+\([^)]*\))*)$/.test(value);
const plain = (value: string) => value.replace(/_(?=\d)/g, '').replace(/\s+/g, '').replace(/^(\w+\.)+(?=[A-Z]\w*\.[A-Z])/, '');

function documented(): Documented[] {
  return files.flatMap(({ name, text }) => [...text.matchAll(/export interface (\w+)[^{]*\{([\s\S]*?)\n\}/g)].flatMap(([, struct, body]) =>
    [...body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)\?:/g)].map(([, doc, member]) => ({
      file: name, struct, member, value: /@default ([^\n]*)/.exec(doc)?.[1].trim() ?? '',
    }))));
}

/** Every expression that the code of the folder puts in where the member is absent. */
function applied(member: string, folder: string): string[] {
  const near = files.filter(({ name }) => path.dirname(name) === folder || folder === '.');
  const constants = new Map(files.flatMap(({ text }) => [...text.matchAll(/const ([A-Z][A-Z0-9_]*)(?:: [^=]+)? = ([^;]+);/g)].map(([, name, value]) => [name, value] as const)));
  return near.flatMap(({ text }) => [...text.matchAll(new RegExp(`\\.${member} \\?\\? ('[^']*'|[\\w.]+(?:\\([^)]*\\))?|\\[[^\\]]*\\]|-?[\\d._]+)`, 'g'))]
    .map(([, value]) => constants.get(value) ?? value));
}

describe('documented defaults', () => {
  const literals = documented().filter(({ value }) => isLiteral(value));

  test('are there', () => expect(literals.length).toBeGreaterThan(30));

  test('are what the code does', () => {
    const wrong = literals.flatMap(({ file, struct, member, value }) => {
      const found = applied(member, path.dirname(file));
      if (found.length === 0) return [`${struct}.${member}: @default ${value}, and no "${member} ?? …" in ${path.dirname(file)}`];
      return found.some((one) => plain(one) === plain(value)) ? [] : [`${struct}.${member}: @default ${value}, the code has ${found.join(' and ')}`];
    });
    expect(wrong).toEqual([]);
  });
});
