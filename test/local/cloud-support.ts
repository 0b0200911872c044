import { mkdtempSync, rmSync } from 'fs';
import { tmpdir } from 'os';
import * as path from 'path';
import { App, Stack, StackProps } from 'aws-cdk-lib';
import { LocalCloud, LocalCloudOptions } from '../../examples/local/cloud/local-cloud';

export const START = new Date('2013-03-01T00:00:00.000Z');

/** Local clouds of one test file and the folders they work in. */
export class Clouds {
  private readonly folders: string[] = [];
  private readonly running: LocalCloud[] = [];

  /** A folder of its own, removed at the end. */
  folder(): string {
    const made = mkdtempSync(path.join(tmpdir(), 'local-cloud-'));
    this.folders.push(made);
    return made;
  }

  /** The assembly of an app with one stack. */
  synth(build: (stack: Stack) => void, props: StackProps = {}): string {
    const app = new App({ outdir: path.join(this.folder(), 'cdk.out'), analyticsReporting: false });
    build(new Stack(app, 'Test', props));
    return app.synth().directory;
  }

  async start(assembly: string, options: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
    const cloud = await LocalCloud.start(assembly, { root: path.join(this.folder(), 'run'), startTime: START, ...options });
    this.running.push(cloud);
    return cloud;
  }

  /** Starts a cloud with one stack. */
  async deploy(build: (stack: Stack) => void, options: Partial<LocalCloudOptions> = {}): Promise<LocalCloud> {
    return this.start(this.synth(build), options);
  }

  async stop(): Promise<void> {
    for (const cloud of this.running.splice(0)) await cloud.stop();
    for (const folder of this.folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

/** Deployed resource of a type; the test has one. */
export function only(cloud: LocalCloud, type: string): { ref: string; attributes: Record<string, string> } {
  const found = [...cloud.resources.values()].filter(({ resource }) => resource.type === type);
  if (found.length !== 1) throw new Error(`${found.length} resources of ${type}`);
  return found[0].deployed;
}
