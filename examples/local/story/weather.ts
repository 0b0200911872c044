import { spawn } from 'child_process';
import { createHash } from 'crypto';
import * as fs from 'fs';
import * as os from 'os';
import * as path from 'path';
import { Request, Scenario } from './scenario';

const platform = path.join(__dirname, '..', '..', 'regression-platform');
const script = path.join(platform, 'pipelines', 'weather.py');
const day = (text: string) => new Date(`${text}T00:30:00Z`);

/** All airports ask at this minute of the hour. */
const MINUTE = 5;

/** Hourly weather of three airports in 2013; the temperature 24 hours ahead. */
export async function weather(python: string, javaHome: string, cache: string): Promise<Scenario> {
  const folder = await rows(python, javaHome, cache);
  const requests = fs.readFileSync(path.join(folder, 'requests.jsonl'), 'utf8').trim().split('\n').map((line): Request => {
    const { at, temp_in_24h: label, ...instance } = JSON.parse(line) as { at: string; temp_in_24h: number; origin: string };
    return { at: new Date(Date.parse(at) + MINUTE * 60_000), label, instance };
  }).sort((a, b) => a.at.getTime() - b.at.getTime());

  const [header, ...lines] = fs.readFileSync(path.join(folder, 'raw.csv'), 'utf8').trimEnd().split('\n');
  const hour = header.split(',').indexOf('time_hour');
  const between = (name: string, from: string, until: string) => ({
    name,
    csv: [header, ...lines.filter((line) => {
      const at = line.split(',')[hour].replaceAll('"', '');
      return at >= from && at < until;
    })].join('\n'),
  });
  const june = between('june.csv', '2013-06', '2013-07');
  const few = ['temp'];
  const all = [
    ...few, 'dewp', 'humid', 'wind_speed', 'precip', 'pressure', 'visib', 'hour_sin', 'hour_cos',
    'temp_lag_3', 'temp_lag_6', 'temp_lag_24', 'dewp_lag_24', 'pressure_lag_3', 'origin',
  ];
  return {
    name: 'hourly weather of three airports, 2013',
    rows: lines.length,
    target: 'temp_in_24h',
    timeColumn: 'time_hour',
    script,
    requests,
    features: { few, all, misleading: [...all, 'day_of_year'] },
    batches: {
      first: between('january-to-may.csv', '2013-01', '2013-06'),
      bad: { name: june.name, csv: withoutMoisture(between(june.name, '2013-06', '2013-06-25').csv) },
      second: june,
      third: between('july.csv', '2013-07', '2013-08'),
    },
    at: {
      start: day('2013-06-01'),
      stopped: day('2013-06-12'),
      crashed: day('2013-06-18'),
      bad: day('2013-06-25'),
      second: day('2013-07-01'),
      third: day('2013-08-01'),
      better: day('2013-08-23'),
      crowd: day('2013-09-22'),
      misleading: day('2013-09-25'),
      late: day('2013-10-18'),
      drift: day('2013-11-01'),
      end: day('2013-11-20'),
    },
    strict: true,
  };
}

/** What a station sends whose sensor for dew point and humidity has failed. */
function withoutMoisture(csv: string): string {
  const [header, ...lines] = csv.split('\n');
  const failed = header.split(',').map((name) => ['dewp', 'humid'].includes(name.replaceAll('"', '')));
  return [header, ...lines.map((line) => line.split(',').map((cell, i) => failed[i] ? 'NA' : cell).join(','))].join('\n');
}

/** The pipeline's rows for the whole year; kept until the script that makes them changes. */
async function rows(python: string, javaHome: string, cache: string): Promise<string> {
  const maker = path.join(__dirname, 'weather_rows.py');
  const hash = createHash('sha256');
  for (const file of [script, maker]) hash.update(fs.readFileSync(file));
  const folder = path.join(cache, `weather-${hash.digest('hex').slice(0, 12)}`);
  if (fs.existsSync(folder)) return folder;
  // what an interrupted run has left of its own attempt; an attempt takes less than an hour
  for (const name of fs.readdirSync(cache).filter((one) => one.startsWith('making-'))) {
    const left = path.join(cache, name);
    if (Date.now() - fs.statSync(left).mtimeMs > 3_600_000) fs.rmSync(left, { recursive: true, force: true });
  }
  const making = fs.mkdtempSync(path.join(cache, 'making-'));
  const temp = path.join(making, 'tmp');
  fs.mkdirSync(temp);
  try {
    await make(python, javaHome, [maker, script, making], temp);
    fs.rmSync(temp, { recursive: true });
    // another run in this checkout may have been faster: what it made is the same
    if (!fs.existsSync(folder)) fs.renameSync(making, folder);
  } finally {
    fs.rmSync(making, { recursive: true, force: true });
  }
  return folder;
}

/** Runs Python under the guard, so that neither it nor its Java outlive this process. */
async function make(python: string, javaHome: string, args: string[], temp: string): Promise<void> {
  const child = spawn(python, [path.join(__dirname, '..', 'cloud', 'guard.py'), os.devNull, python, ...args], {
    env: {
      ...process.env,
      JAVA_HOME: javaHome,
      JAVA_TOOL_OPTIONS: `-XX:-UsePerfData -Djava.io.tmpdir=${temp}`,
      PYSPARK_PYTHON: python,
      SPARK_LOCAL_IP: '127.0.0.1',
      SPARK_LOCAL_DIRS: temp,
      TMPDIR: temp,
      PYTHONDONTWRITEBYTECODE: '1',
    },
    cwd: temp,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4000); });
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`the sample data could not be made (exit code ${code}): ${said.trim()}`);
}
