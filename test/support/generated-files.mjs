/** Regenerates the project's generated files and fails when one of them had been edited or was out of date. */
import { spawnSync } from 'node:child_process';

const changed = () => spawnSync('git', ['status', '--porcelain'], { encoding: 'utf8' }).stdout;
const before = changed();
const ran = spawnSync('projen', ['default'], { encoding: 'utf8', env: { ...process.env, PROJEN_DISABLE_POST: '1' } });
const after = changed();
if (ran.status !== 0 || after !== before) {
  process.stdout.write(`${ran.stdout}${ran.stderr}\nbefore:\n${before}\nafter:\n${after}\n`);
  process.exit(1);
}
