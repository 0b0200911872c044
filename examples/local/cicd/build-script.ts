import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

import { Buildspec, Phase } from './buildspec';

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
const SHIMS = { docker: 'docker', aws: 'aws', pip: 'pip', pip3: 'pip' };

/** Programs that come first on a build's PATH: `docker`, `aws` and `pip` are stood in for, `python` is the local cloud's. */
export async function writeShims(folder: string, python: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tools = join(__dirname, 'build_tools.py');
  const pythonShim = `#!/bin/sh\nif [ "$1" = -m ] && [ "$2" = pip ]; then shift 2; exec ${quote(python)} ${quote(tools)} pip "$@"; fi\nexec ${quote(python)} "$@"\n`;
  const programs = Object.fromEntries(Object.entries(SHIMS).map(([name, tool]) => [name, `#!/bin/sh\nexec ${quote(python)} ${quote(tools)} ${tool} "$@"\n`]));
  for (const [name, script] of Object.entries({ ...programs, python: pythonShim, python3: pythonShim })) {
    await writeFile(join(folder, name), script);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

/** PATH of a build: the shims, what is installed beside the local cloud's python, what the machine has. */
export const buildPath = (shims: string, python: string): string => [shims, join(python, '..'), process.env.PATH ?? ''].join(delimiter);

/**
 * A bash script that runs the phases as CodeBuild does: one shell for all commands; a failed command ends its phase;
 * after a failed build the post_build phase runs, after another failed phase none does. How each phase ended goes to
 * `<state>/phases.txt`, the exported variables to `<state>/exported/`.
 */
export async function writeBuildScript({ phases, exported }: Buildspec, state: string): Promise<string> {
  await mkdir(join(state, 'commands'), { recursive: true });
  await mkdir(join(state, 'exported'), { recursive: true });
  const lines = [
    'export CODEBUILD_BUILD_SUCCEEDING=1',
    `local_state=${quote(state)}`,
    'local_phase=',
    'local_finish() {',
    '  [ -z "$local_phase" ] || echo "$local_phase FAILED" >> "$local_state/phases.txt"',
    ...exported.map((name) => `  printf %s "\${${name}-}" > "$local_state/exported/${name}"`),
    '}',
    'trap local_finish EXIT',
    'local_aborted=',
  ];
  for (const phase of phases) lines.push(...await phaseLines(phase, state));
  lines.push('[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]');
  const script = join(state, 'build.sh');
  await writeFile(script, `${lines.join('\n')}\n`);
  return script;
}

async function phaseLines(phase: Phase, state: string): Promise<string[]> {
  const name = phase.name.toUpperCase();
  const command = async (written: string, kind: string, i: number): Promise<string[]> => {
    const file = join(state, 'commands', `${phase.name}-${kind}-${i}.sh`);
    await writeFile(file, `${written}\n`);
    return [`  echo ${quote(`[Container] Running command ${written}`)}`, `  . ${quote(file)}`];
  };
  const lines = [
    // a failed build still gets its post_build; every other failure ends the run of phases
    'if [ -z "$local_aborted" ]; then',
    `  echo '[Container] Entering phase ${name}'; local_phase=${name}; local_ok=1`,
  ];
  for (const [i, written] of phase.commands.entries()) {
    const [say, run] = await command(written, 'command', i);
    lines.push('  if [ $local_ok = 1 ]; then', say, `  ${run} || { echo "[Container] Command did not exit successfully: exit status $?"; local_ok=0; }`, '  fi');
  }
  for (const [i, written] of phase.finally.entries()) {
    const [say, run] = await command(written, 'finally', i);
    lines.push(say, `  ${run} || local_ok=0`);
  }
  const aborts = phase.name === 'build' || phase.continues ? '' : ' local_aborted=1;';
  return [
    ...lines,
    '  local_phase=',
    `  if [ $local_ok = 1 ]; then echo '${name} SUCCEEDED' >> "$local_state/phases.txt"`,
    `  else echo '${name} FAILED' >> "$local_state/phases.txt";${aborts} ${phase.continues ? ':' : 'export CODEBUILD_BUILD_SUCCEEDING=0'}; fi`,
    'fi',
  ];
}
