import { ChildProcess } from 'node:child_process';
import { cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { collect } from './artifacts';
import { BuildProject } from './build-project';
import { buildPath, writeBuildScript, writeShims } from './build-script';
import { Buildspec, readBuildspec } from './buildspec';
import { GIT_ENVIRONMENT } from './git';
import { parseObject, text } from '../cloud/members';
import { AwsError, Cloud } from '../cloud/types';

export interface Build {
  readonly id: string;
  readonly project: string;
  readonly number: number;
  readonly started: Date;
  status: 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED' | 'STOPPED' | 'TIMED_OUT';
  reason?: string;
  phases: { name: string; status: string }[];
  /** Commands that were left out: of a container engine, of pip. */
  skipped: string[];
  /** Images that the build pushed. */
  images: string[];
  exported: Record<string, string>;
  /** Real seconds. */
  seconds: number;
  log: string;
  process?: ChildProcess;
}

export interface BuildRequest {
  /** Folder of the primary input, which the build may change. */
  readonly source: string;
  /** Folders of the other inputs, by artifact. */
  readonly others: ReadonlyMap<string, string>;
  /** Folders of the outputs, by artifact; the first is the primary one. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly environment: Record<string, string>;
  readonly sourceVersion: string;
  readonly initiator: string;
}

const lines = async (file: string): Promise<string[]> => {
  const written = await readFile(file, 'utf8').catch(() => '');
  return written === '' ? [] : written.trimEnd().split('\n');
};

/** Runs the build and writes into it how it ended. */
export async function runBuild(cloud: Cloud, project: BuildProject, build: Build, request: BuildRequest): Promise<void> {
  const began = performance.now();
  const state = join(cloud.folders.temp, 'codebuild', build.id.replaceAll(':', '-'));
  const end = (status: Build['status'], reason?: string): void => {
    if (build.status === 'IN_PROGRESS') Object.assign(build, { status, reason });
  };
  try {
    const spec = await readBuildspec(project.buildspec, request.source);
    const code = await execute(cloud, project, build, request, { spec, state });
    build.phases = (await lines(join(state, 'phases.txt'))).map((line) => ({ name: line.split(' ')[0], status: line.split(' ')[1] }));
    build.skipped = await lines(join(state, 'skipped.txt'));
    for (const name of spec.exported) build.exported[name] = await readFile(join(state, 'exported', name), 'utf8').catch(() => '');
    const failed = build.phases.filter(({ status }) => status === 'FAILED').map(({ name }) => name);
    if (code !== 0) end('FAILED', failed.length > 0 ? `phase ${failed.join(', ')} failed, see ${build.log}` : `exit status ${code}, see ${build.log}`);
    if (build.status === 'IN_PROGRESS') {
      await registerImages(cloud, build, state);
      await collectAll(spec, request);
    }
    end('SUCCEEDED');
  } catch (error) {
    end('FAILED', error instanceof Error ? error.message : String(error));
  }
  build.seconds = (performance.now() - began) / 1000;
  build.process = undefined;
  cloud.log(`CodeBuild ${build.id} ${build.status}${build.reason === undefined ? '' : `: ${build.reason}`}`);
}

async function execute(
  cloud: Cloud, project: BuildProject, build: Build, request: BuildRequest, { spec, state }: { spec: Buildspec; state: string },
): Promise<number> {
  await mkdir(join(state, 'home'), { recursive: true });
  const script = await writeBuildScript(spec, state);
  const shims = await writeShims(join(cloud.folders.temp, 'codebuild', 'bin'), cloud.python);
  const others = Object.fromEntries([...request.others].map(([artifact, folder]) => [`CODEBUILD_SRC_DIR_${artifact}`, folder]));
  const name = `codebuild-${build.id.replaceAll(':', '-')}`;
  build.log = join(cloud.folders.logs, `${name}.log`);
  const child = cloud.spawn(name, 'bash', ['--noprofile', '--norc', script], {
    cwd: request.source,
    env: {
      ...cloud.environment(project.roleArn),
      ...GIT_ENVIRONMENT,
      LANG: 'C.UTF-8',
      TZ: 'UTC',
      CI: 'true',
      LOCAL_BUILD_STATE: state,
      LOCAL_BUILD_PYTHON: cloud.python,
      CODEBUILD_BUILD_ARN: `arn:${cloud.partition}:codebuild:${cloud.region}:${cloud.account}:build/${build.id}`,
      CODEBUILD_BUILD_ID: build.id,
      CODEBUILD_BUILD_IMAGE: project.image,
      CODEBUILD_BUILD_NUMBER: String(build.number),
      CODEBUILD_INITIATOR: request.initiator,
      CODEBUILD_RESOLVED_SOURCE_VERSION: request.sourceVersion,
      CODEBUILD_SOURCE_VERSION: request.sourceVersion,
      CODEBUILD_SRC_DIR: request.source,
      CODEBUILD_START_TIME: String(build.started.getTime()),
      ...others,
      ...spec.variables,
      ...project.environment,
      ...request.environment,
      HOME: join(state, 'home'),
      PATH: buildPath(shims, cloud.python),
    },
  });
  build.process = child;
  const timeout = setTimeout(() => {
    build.status = 'TIMED_OUT';
    child.kill('SIGTERM');
  }, project.timeoutMinutes * 60_000);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => resolve(status ?? (signal === null ? 1 : 128)));
  });
  clearTimeout(timeout);
  return code;
}

/** Keeps the folders of pushed images beyond the build, and lets the local cloud run them. */
async function registerImages(cloud: Cloud, build: Build, state: string): Promise<void> {
  for (const line of await lines(join(state, 'pushed.jsonl'))) {
    const image = parseObject(line, 'a pushed image');
    const [uri, digest, built] = [text(image, 'uri'), text(image, 'digest'), text(image, 'folder')];
    const folder = join(cloud.folders.root, 'images', basename(built));
    await cp(built, folder, { recursive: true });
    cloud.images.set(uri, folder);
    cloud.images.set(`${uri.slice(0, uri.lastIndexOf(':'))}@${digest}`, folder);
    build.images.push(uri);
  }
}

async function collectAll(spec: Buildspec, request: BuildRequest): Promise<void> {
  const primaryOnly = request.outputs.size === 1;
  for (const [artifact, folder] of request.outputs) {
    const artifacts = spec.secondary.get(artifact) ?? (primaryOnly ? spec.artifacts : undefined);
    if (artifacts === undefined) throw new AwsError('CLIENT_ERROR', `the buildspec has no artifacts for ${artifact}`);
    await collect(artifacts, request.source, folder);
  }
}
