import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

import { object, onlyKnown, optionalText, text, textMap, texts } from '../cloud/members';
import { AwsError, Json, JsonObject, Unsupported } from '../cloud/types';

export const PHASES = ['install', 'pre_build', 'build', 'post_build'] as const;
export type PhaseName = typeof PHASES[number];

export interface Phase {
  readonly name: PhaseName;
  readonly commands: readonly string[];
  readonly finally: readonly string[];
  readonly continues: boolean;
}

export interface Artifacts {
  readonly files: readonly string[];
  readonly baseDirectory: string;
  readonly discardPaths: boolean;
}

export interface Buildspec {
  readonly variables: Record<string, string>;
  readonly exported: readonly string[];
  readonly phases: readonly Phase[];
  readonly artifacts: Artifacts | undefined;
  readonly secondary: ReadonlyMap<string, Artifacts>;
}

const isObject = (value: Json): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The buildspec of a project: inline (JSON or YAML), or a file of the source. */
export async function readBuildspec(written: string | undefined, source: string): Promise<Buildspec> {
  const inline = written !== undefined && (written.includes('\n') || written.trimStart().startsWith('{'));
  return parseBuildspec(inline ? written : await readFile(join(source, written ?? 'buildspec.yml'), 'utf8').catch(() => {
    throw new AwsError('YAML_FILE_ERROR', `the source has no ${written ?? 'buildspec.yml'}`);
  }));
}

export function parseBuildspec(written: string): Buildspec {
  const spec: Json = parse(written);
  if (!isObject(spec)) throw new AwsError('YAML_FILE_ERROR', 'the buildspec is not a mapping');
  onlyKnown(spec, ['version', 'env', 'phases', 'artifacts', 'cache'], 'buildspec');
  if (text(spec, 'version') !== '0.2') throw new Unsupported(`buildspec version ${text(spec, 'version')}`);
  const env = object(spec, 'env');
  onlyKnown(env, ['variables', 'exported-variables', 'shell'], 'buildspec.env');
  if ((optionalText(env, 'shell') ?? 'bash') !== 'bash') throw new Unsupported(`buildspec.env.shell ${text(env, 'shell')}`);
  const phases = object(spec, 'phases');
  onlyKnown(phases, PHASES, 'buildspec.phases');
  const artifacts = object(spec, 'artifacts');
  return {
    variables: textMap(env, 'variables'),
    exported: texts(env, 'exported-variables'),
    phases: PHASES.filter((name) => name in phases).map((name) => phase(name, object(phases, name))),
    artifacts: 'files' in artifacts ? readArtifacts(artifacts, 'buildspec.artifacts') : undefined,
    secondary: new Map(Object.keys(object(artifacts, 'secondary-artifacts')).map((id) => [
      id, readArtifacts(object(object(artifacts, 'secondary-artifacts'), id), `buildspec.artifacts.secondary-artifacts.${id}`),
    ])),
  };
}

function phase(name: PhaseName, from: JsonObject): Phase {
  // the image has its runtimes: which ones is the business of the machine that runs the local cloud
  onlyKnown(from, ['commands', 'finally', 'on-failure', 'runtime-versions'], `buildspec.phases.${name}`);
  const failure = optionalText(from, 'on-failure') ?? 'ABORT';
  if (failure !== 'ABORT' && failure !== 'CONTINUE') throw new Unsupported(`buildspec.phases.${name}.on-failure ${failure}`);
  return { name, commands: texts(from, 'commands'), finally: texts(from, 'finally'), continues: failure === 'CONTINUE' };
}

function readArtifacts(from: JsonObject, where: string): Artifacts {
  onlyKnown(from, ['files', 'base-directory', 'discard-paths', 'name', 'secondary-artifacts', 'enable-symlinks'], where);
  return {
    files: texts(from, 'files'),
    baseDirectory: optionalText(from, 'base-directory') ?? '.',
    discardPaths: ['yes', 'true'].includes(optionalText(from, 'discard-paths') ?? 'no'),
  };
}
