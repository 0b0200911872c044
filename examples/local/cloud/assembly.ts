import { existsSync, readFileSync } from 'fs';
import * as path from 'path';
import { JsonObject, Unsupported } from './types';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly DependsOn?: string | string[];
  readonly Condition?: string;
  readonly DeletionPolicy?: string;
  readonly Metadata?: JsonObject;
}

export interface Template {
  readonly Resources?: Record<string, TemplateResource>;
  readonly Parameters?: Record<string, { Type: string; Default?: string | number }>;
  readonly Mappings?: JsonObject;
  readonly Conditions?: JsonObject;
  readonly Outputs?: Record<string, { Value: JsonObject | string; Condition?: string; Export?: { Name: JsonObject | string } }>;
}

/** A stack of the assembly, in the order of deployment. */
export interface Stack {
  readonly name: string;
  readonly template: Template;
  /** undefined where the stack is agnostic of it. */
  readonly account?: string;
  readonly region?: string;
}

interface Manifest {
  readonly artifacts?: Record<string, {
    readonly type: string;
    readonly environment?: string;
    readonly displayName?: string;
    readonly dependencies?: string[];
    readonly properties?: { templateFile?: string; stackName?: string; file?: string; directoryName?: string; parameters?: JsonObject };
  }>;
}

interface AssetManifest {
  readonly files?: Record<string, {
    readonly source: { path?: string; executable?: string[] };
    readonly destinations: Record<string, { objectKey: string }>;
  }>;
}

/** A synthesized cloud assembly: its stacks and where its file assets are. */
export class Assembly {
  readonly stacks: Stack[] = [];
  private readonly assets = new Map<string, string>();

  constructor(readonly folder: string) {
    if (!existsSync(path.join(folder, 'manifest.json'))) throw new Error(`${folder} is not a cloud assembly: it has no manifest.json`);
    this.read(folder);
  }

  /** File or folder of a file asset, by its object key. */
  assetPath(objectKey: string): string {
    const found = this.assets.get(objectKey);
    if (found === undefined) throw new Error(`the assembly has no file asset with the object key ${objectKey}`);
    return found;
  }

  /** Template of a nested stack, by its TemplateURL (which ends in the asset's object key). */
  nestedTemplate(templateUrl: string): Template {
    return readJson<Template>(this.assetPath(templateUrl.slice(templateUrl.lastIndexOf('/') + 1)));
  }

  private read(folder: string): void {
    const artifacts = readJson<Manifest>(path.join(folder, 'manifest.json')).artifacts ?? {};
    for (const id of inOrder(artifacts)) {
      const { type, properties, environment } = artifacts[id];
      if (type === 'cdk:asset-manifest') {
        this.readAssets(folder, properties?.file ?? `${id}.json`);
      } else if (type === 'cdk:cloud-assembly') {
        this.read(path.join(folder, properties?.directoryName ?? id));
      } else if (type === 'aws:cloudformation:stack') {
        if (Object.keys(properties?.parameters ?? {}).length > 0) throw new Unsupported(`stack parameters in the manifest (${id})`);
        const [account, region] = (environment ?? 'aws://unknown-account/unknown-region').replace('aws://', '').split('/');
        this.stacks.push({
          name: properties?.stackName ?? id,
          template: readJson<Template>(path.join(folder, properties?.templateFile ?? `${id}.template.json`)),
          account: account === 'unknown-account' ? undefined : account,
          region: region === 'unknown-region' ? undefined : region,
        });
      }
    }
  }

  private readAssets(folder: string, file: string): void {
    for (const asset of Object.values(readJson<AssetManifest>(path.join(folder, file)).files ?? {})) {
      if (asset.source.path === undefined) throw new Unsupported(`file assets made by a command (${asset.source.executable?.join(' ')})`);
      for (const { objectKey } of Object.values(asset.destinations)) this.assets.set(objectKey, path.join(folder, asset.source.path));
    }
  }
}

/** Artifact ids, each after what it depends on. */
function inOrder(artifacts: NonNullable<Manifest['artifacts']>): string[] {
  const order: string[] = [];
  const visit = (id: string): void => {
    if (order.includes(id) || artifacts[id] === undefined) return;
    (artifacts[id].dependencies ?? []).forEach(visit);
    order.push(id);
  };
  Object.keys(artifacts).forEach(visit);
  return order;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
