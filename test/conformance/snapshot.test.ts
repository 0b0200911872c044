import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { App } from 'aws-cdk-lib';
import { regressionPlatform } from '../../examples/regression-platform/platform';

/**
 * The example app's templates and its logical ids, as committed. What a change does to them is to be seen in review:
 * a new logical id of a table or a bucket is a new, empty one. `UPDATE_SNAPSHOT=1 npx jest snapshot` writes them anew.
 */
const committed = path.join(__dirname, '..', '..', 'examples', 'regression-platform', 'snapshot');

interface Template { Resources: Record<string, { Type: string }> }

/** Templates without what changes from build to build: the hashes of assets and of the API's deployment. */
function synthesized(): Record<string, Template> {
  const outdir = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-mlops-snapshot-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    regressionPlatform(app);
    app.synth();
    const names = fs.readdirSync(outdir).filter((name) => name.endsWith('.template.json')).sort();
    return Object.fromEntries(names.map((name) => {
      const text = fs.readFileSync(path.join(outdir, name), 'utf8').replace(/[0-9a-f]{64}/g, 'HASH').replace(/(ApiDeployment[0-9A-F]{8})[0-9a-f]{32}/g, '$1');
      return [name, JSON.parse(text) as Template];
    }));
  } finally {
    fs.rmSync(outdir, { recursive: true });
  }
}

describe('the example app', () => {
  const templates = synthesized();
  const ids = Object.fromEntries(Object.entries(templates).map(([name, { Resources }]) => [
    name, Object.fromEntries(Object.entries(Resources).map(([id, { Type }]) => [id, Type]).sort()),
  ]));
  const files: Record<string, unknown> = { ...templates, 'logical-ids.json': ids };
  if (process.env.UPDATE_SNAPSHOT === '1') {
    fs.rmSync(committed, { recursive: true, force: true });
    fs.mkdirSync(committed, { recursive: true });
    for (const [name, content] of Object.entries(files)) fs.writeFileSync(path.join(committed, name), `${JSON.stringify(content, undefined, 1)}\n`);
  }
  const read = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(committed, name), 'utf8'));

  test('keeps its logical ids', () => expect(ids).toEqual(read('logical-ids.json')));

  test.each(Object.keys(templates))('synthesizes %s as committed', (name) => expect(templates[name]).toEqual(read(name)));

  test('has no other template', () => expect(fs.readdirSync(committed).sort()).toEqual(Object.keys(files).sort()));
});
