import { mkdtempSync, readFileSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import { join } from 'path';
import { App, Stack } from 'aws-cdk-lib';

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
    return new Map(app.node.findAll().filter((each): each is Stack => each instanceof Stack).map((stack) => {
      const text = readFileSync(join(outdir, stack.templateFile), 'utf8');
      return [stack.node.path, { path: stack.node.path, template: JSON.parse(text) as TemplateJson, bytes: Buffer.byteLength(text) }];
    }));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const PSEUDO: Record<string, string> = {
  'AWS::Partition': 'aws', 'AWS::Region': 'ap-southeast-1', 'AWS::AccountId': '111122223333', 'AWS::URLSuffix': 'amazonaws.com', 'AWS::NoValue': '',
};

/** Puts text in the place of references: pseudo parameters as they might be, others as `stand` writes them. */
export function resolved(value: unknown, stand: (id: string, attribute?: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, stand));
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument]] = Object.entries(value).length === 1 ? Object.entries(value) : [['', undefined]];
  if (name === 'Ref') return PSEUDO[String(argument)] ?? stand(String(argument));
  if (name === 'Fn::GetAtt') return stand(...argument as [string, string]);
  if (name === 'Fn::Join') {
    const [delimiter, parts] = argument as [string, unknown[]];
    return parts.map((part) => String(resolved(part, stand))).join(delimiter);
  }
  if (name === 'Fn::Select') {
    const [index, list] = argument as [number, unknown];
    const parts = resolved(list, stand);
    return Array.isArray(parts) ? parts[Number(index)] as string : `${String(parts)}-${index}`;
  }
  if (name === 'Fn::Split') {
    const [delimiter, text] = argument as [string, unknown];
    return String(resolved(text, stand)).split(delimiter);
  }
  if (name === 'Fn::Sub') return String(argument).replace(/\$\{(AWS::\w+)\}/g, (_, pseudo: string) => PSEUDO[pseudo]);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each, stand)]));
}
