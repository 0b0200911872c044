import * as fs from 'fs';
import * as path from 'path';

const src = path.join(__dirname, '..', '..', 'src');

/** Folders in the order of dependency: a file may import from its own layer and from the layers before it. */
const layers = [
  ['domain'], ['private'], ['data', 'source', 'workbench'], ['registry'], ['serving'], ['training', 'delivery'], ['staging', 'monitoring'], ['release'],
  ['access'], ['mlops-platform.ts'], ['index.ts'],
];
const layerOf = (file: string): number => {
  const folder = path.relative(src, file).split(path.sep)[0];
  return layers.findIndex((layer) => layer.includes(folder) || (folder.endsWith('.ts') && !layer.flat().includes(folder) && layer[0] === 'mlops-platform.ts'));
};

const files = (fs.readdirSync(src, { recursive: true }) as string[]).filter((name) => name.endsWith('.ts')).map((name) => path.join(src, name));
const importsOf = (file: string): string[] =>
  [...fs.readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gm)].map((match) => match[1]);
const local = (file: string): string[] =>
  importsOf(file).filter((name) => name.startsWith('.')).map((name) => `${path.resolve(path.dirname(file), name)}.ts`);
const relative = (file: string) => path.relative(src, file);

describe('the layers of src', () => {
  test('each folder has a layer', () => {
    expect(files.filter((file) => layerOf(file) < 0).map(relative)).toEqual([]);
  });

  test('imports point one way', () => {
    const wrong = files.flatMap((file) => local(file)
      .filter((imported) => layerOf(imported) > layerOf(file))
      .map((imported) => `${relative(file)} imports ${relative(imported)}`));
    expect(wrong).toEqual([]);
  });

  test('nothing but the barrel itself imports a barrel', () => {
    expect(files.filter((file) => local(file).some((imported) => path.basename(imported) === 'index.ts')).map(relative)).toEqual([]);
  });

  test('there is no import cycle between two or more files', () => {
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (file: string, trail: string[]) => {
      if (state.get(file) === 'done' || !fs.existsSync(file)) return;
      if (state.get(file) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(file)), file].map(relative).join(' → '));
        return;
      }
      state.set(file, 'open');
      for (const imported of local(file)) visit(imported, [...trail, file]);
      state.set(file, 'done');
    };
    files.forEach((file) => visit(file, []));
    expect(cycles).toEqual([]);
  });

  test('the domain knows neither CDK nor SDK', () => {
    const wrong = files.filter((file) => layerOf(file) === 0)
      .flatMap((file) => importsOf(file).filter((name) => !name.startsWith('./')).map((name) => `${relative(file)} imports ${name}`));
    expect(wrong).toEqual([]);
  });

  test('handlers know the domain, the SDK and files of their own kind only', () => {
    const handlers = files.filter((file) => file.endsWith('.lambda.ts'));
    const closure = (file: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(file)) return seen;
      seen.add(file);
      local(file).forEach((imported) => closure(imported, seen));
      return seen;
    };
    const wrong = handlers.flatMap((handler) => [...closure(handler)].flatMap((file) => importsOf(file)
      .filter((name) => !name.startsWith('.') && !name.startsWith('@aws-sdk/') && !/^(node:)?(crypto|async_hooks|util)$/.test(name))
      .map((name) => `${relative(handler)} reaches ${name} through ${relative(file)}`)));
    expect(handlers.length).toBeGreaterThan(5);
    expect(wrong).toEqual([]);
  });

  test('nothing in src knows the local cloud', () => {
    expect(files.filter((file) => /examples\/local|ministack|localhost|127\.0\.0\.1/.test(fs.readFileSync(file, 'utf8'))).map(relative)).toEqual([]);
  });
});
