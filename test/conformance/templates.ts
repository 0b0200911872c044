import { mkdtempSync, readFileSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';

export interface Resource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DependsOn?: string | string[];
}

export interface TemplateJson {
  readonly Resources: Record<string, Resource>;
  readonly Parameters?: Record<string, unknown>;
  readonly Outputs?: Record<string, unknown>;
}

export interface Synthesized {
  /** Path of the stack in the construct tree. */
  readonly path: string;
  readonly template: TemplateJson;
  /** Where a nested stack is: path of the stack around it, and its logical id there. */
  readonly nested?: { readonly parent: string; readonly logicalId: string };
  /** As it is uploaded. */
  readonly bytes: number;
}

/** All templates of an app, those of nested stacks as well, by the path of their stack. */
export function synthesized(build: (app: App) => void): Map<string, Synthesized> {
  const outdir = mkdtempSync(join(tmpdir(), 'templates-'));
  try {
    const app = new App({ outdir, analyticsReporting: false });
    build(app);
    app.synth();
    const stacks = app.node.findAll().filter((each): each is Stack => each instanceof Stack);
    return new Map(stacks.map((stack) => {
      const text = readFileSync(join(outdir, stack.templateFile), 'utf8');
      const parent = stack.nestedStackParent;
      const { logicalId } = (stack.nestedStackResource ?? {}) as Partial<CfnResource>;
      const nested = parent && { parent: parent.node.path, logicalId: parent.resolve(logicalId) as string };
      return [stack.node.path, { path: stack.node.path, template: JSON.parse(text) as TemplateJson, nested, bytes: Buffer.byteLength(text) }];
    }));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Values of pseudo parameters, the region's name a long one. */
export const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws', 'AWS::Region': 'ap-southeast-1', 'AWS::AccountId': '111122223333', 'AWS::URLSuffix': 'amazonaws.com', 'AWS::NoValue': '',
};
