import * as fs from 'fs';
import * as path from 'path';
import { parseOptions, UnusableInput } from './options';
import { summary } from './report/summary';
import { Progress } from './story/progress';
import { run } from './story/run';

/** Runs the story once; the exit code says how it went. */
async function main(): Promise<number> {
  const progress = new Progress();
  const options = parseOptions(process.argv.slice(2), process.cwd());
  fs.mkdirSync(options.out, { recursive: true });
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort(new Error(`interrupted by ${signal}`)));
  const { report, failure } = await run(options, progress, stop.signal);
  if (report !== undefined) process.stdout.write(`${summary(report)}\nreport: ${path.join(options.out, 'index.html')}\n`);
  if (failure !== undefined) process.stderr.write(`\n${failure.message}\n`);
  return failure === undefined ? 0 : 1;
}

main().then((code) => process.exit(code), (error: Error) => {
  process.stderr.write(`${error instanceof UnusableInput ? error.message : error.stack ?? error.message}\n`);
  process.exit(error instanceof UnusableInput ? 2 : 1);
});
