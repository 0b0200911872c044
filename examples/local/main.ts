import * as path from 'path';
import { Interrupted, Interruption } from './interruption';
import { parseOptions, UnusableInput } from './options';
import { summary } from './report/summary';
import { Progress } from './story/progress';
import { run } from './story/run';

/** Runs the story once; the exit code says how it went. */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.cwd());
  const { report, failure } = await run(options, new Progress(), new Interruption());
  if (report !== undefined) process.stdout.write(`${summary(report)}\nreport: ${path.join(options.out, 'index.html')}\n`);
  if (failure !== undefined) process.stderr.write(`\n${failure.message}\n`);
  return failure === undefined ? 0 : failure instanceof Interrupted ? failure.exitCode : 1;
}

main().then((code) => process.exit(code), (error: Error) => {
  if (error instanceof Interrupted) {
    process.stderr.write(`\n${error.message}\n`);
    process.exit(error.exitCode);
  }
  process.stderr.write(`${error instanceof UnusableInput ? error.message : error.stack ?? error.message}\n`);
  process.exit(error instanceof UnusableInput ? 2 : 1);
});
