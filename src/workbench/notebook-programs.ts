import * as fs from 'fs';
import * as path from 'path';
import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { allow } from '../private/allow';

const RESOURCES = path.join(__dirname, '../../resources/workbench');

/** What the script at a notebook's start is told. */
export interface StartSettings {
  /** Folder of the programs in the notebook, as a word of a shell. */
  readonly workbench: string;
  /** The program that goes on. */
  readonly start: string;
  readonly authorName?: string;
  readonly authorEmail?: string;
  /** S3 URI of the curated datasets. */
  readonly datasets?: string;
  /** Glue database and Athena work group of the curated datasets. */
  readonly queries?: string[];
  /** S3 URI that the notebook's files are saved to. */
  readonly savedFiles?: string;
  /** Domain, owner and repository of packages. */
  readonly packages?: string[];
  readonly idleMinutes?: number;
  /** Address that is cloned by the script itself. */
  readonly repository?: string;
}

/**
 * The script that runs at each start of a notebook. It fetches the workbench's programs from the app's assets: a script
 * in a lifecycle configuration may have 12 kilobytes at most.
 */
export function startScript(scope: Construct, role: iam.IRole, settings: StartSettings): string {
  const programs = new assets.Asset(scope, 'Programs', { path: path.join(RESOURCES, 'instance'), exclude: ['**/__pycache__'] });
  allow(role, { actions: ['s3:GetObject'], resources: [programs.bucket.arnForObjects(programs.s3ObjectKey)] });
  const [shebang, ...script] = fs.readFileSync(path.join(RESOURCES, 'on_start.sh'), 'utf8').trimEnd().split('\n');
  return [
    shebang,
    `WORKBENCH=${settings.workbench}`,
    `START=${quoted(settings.start)}`,
    `PROGRAMS=${quoted(programs.s3ObjectUrl)}`,
    `REGION=${quoted(Stack.of(scope).region)}`,
    `AUTHOR_NAME=${quoted(settings.authorName)}`,
    `AUTHOR_EMAIL=${quoted(settings.authorEmail)}`,
    `DATASETS=${quoted(settings.datasets)}`,
    `QUERIES=${quoted(settings.queries?.join(' '))}`,
    `SAVED_FILES=${quoted(settings.savedFiles)}`,
    `PACKAGES=${quoted(settings.packages?.join(' '))}`,
    `REPOSITORY=${quoted(settings.repository)}`,
    `IDLE_MINUTES=${settings.idleMinutes ?? ''}`,
    ...script,
    '',
  ].join('\n');
}

/** One word of a shell command, whatever it holds. */
function quoted(text: string = ''): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
