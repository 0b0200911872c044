import { ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { Cloud, Unsupported } from '../cloud/types';

/** A program of a container image as a process of this machine. */
export interface ImageProcess {
  readonly child: ChildProcess;
  readonly logFile: string;
  /** The exit code; a signal counts as 128 and its number. */
  readonly exited: Promise<number>;
  end(): Promise<void>;
}

export interface RunOptions {
  /** Name of the process's log. */
  readonly name: string;
  /** Entry point: a program of the image's folder with its arguments. */
  readonly command: string[];
  /** What stands for /opt/ml. */
  readonly base: string;
  readonly environment: Record<string, string>;
}

/** The folder whose programs stand for a container image. */
export function imageFolder(cloud: Cloud, image: string): string {
  const folder = cloud.images.get(image);
  if (folder === undefined) throw new Unsupported(`the container image ${image}: no folder holds its programs`);
  return folder;
}

export function runImage(cloud: Cloud, image: string, options: RunOptions): ImageProcess {
  const folder = imageFolder(cloud, image);
  mkdirSync(options.base, { recursive: true });
  const [program, ...parameters] = commandLine(cloud, folder, options.command);
  const child = cloud.spawn(options.name, program, parameters, {
    cwd: folder,
    env: {
      PATH: [folder, dirname(cloud.python), process.env.PATH ?? ''].join(delimiter),
      HOME: options.base,
      PYTHONUNBUFFERED: '1',
      // The folder is the scientist's checkout: nothing is left behind in it.
      PYTHONDONTWRITEBYTECODE: '1',
      // Several processes share a small machine; the models are small too.
      OMP_NUM_THREADS: '1',
      OPENBLAS_NUM_THREADS: '1',
      ...options.environment,
      SAGEMAKER_BASE_DIR: options.base,
    },
  });
  const exited = new Promise<number>((resolve) => {
    child.once('error', () => resolve(127));
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 137)));
  });
  const end = async (): Promise<void> => {
    child.stdin?.destroy();
    await exited;
  };
  return { child, logFile: join(cloud.folders.logs, `${options.name}.log`), exited, end };
}

/** What a container runtime would start: the image's program, by Python where its first line asks for it. */
function commandLine(cloud: Cloud, folder: string, command: string[]): string[] {
  const [program, ...parameters] = command;
  if (/^python3?$/.test(program)) return [cloud.python, ...parameters];
  const file = join(folder, basename(program));
  if (!existsSync(file)) throw new Unsupported(`the program ${program}: the image's folder ${folder} has none of that name`);
  const firstLine = readFileSync(file, 'utf8').split('\n', 1)[0];
  if (/^#!.*python/.test(firstLine)) return [cloud.python, file, ...parameters];
  accessSync(file, constants.X_OK);
  return [file, ...parameters];
}
