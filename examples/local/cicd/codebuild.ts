import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { BuildProject } from './build-project';
import { Build, BuildRequest, runBuild } from './build-run';
import { text, texts } from '../cloud/members';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';

/** AWS CodeBuild: the phases of the buildspec in a bash, without container engine and package index. */
export class CodeBuild implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'CodeBuild', by: "bash in the checkout; an image is a copy of its build's folder, pip installs are left out" }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['codebuild'];
  readonly types = ['AWS::CodeBuild::Project'];
  /** Every build so far. */
  readonly builds: Build[] = [];
  private readonly projects = new Map<string, BuildProject>();
  private cloud: Cloud | undefined;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  async create(resource: Resource, { partition, region, account }: Cloud): Promise<Deployed> {
    const project = new BuildProject(resource);
    this.projects.set(project.name, project);
    return { ref: project.name, attributes: { Arn: `arn:${partition}:codebuild:${region}:${account}:project/${project.name}`, Name: project.name } };
  }

  /** Runs a build to its end, whatever that is. Its outputs are in folders below `request.outputs`. */
  async run(projectName: string, request: BuildRequest, began: (build: Build) => void): Promise<Build> {
    const project = this.project(projectName);
    const build: Build = {
      id: `${project.name}:${randomUUID()}`,
      project: project.name,
      number: this.builds.filter((other) => other.project === project.name).length + 1,
      started: this.at.clock.now(),
      status: 'IN_PROGRESS',
      phases: [],
      skipped: [],
      images: [],
      exported: {},
      seconds: 0,
      log: join(this.at.folders.logs, 'codebuild.log'),
    };
    this.builds.push(build);
    began(build);
    await this.emit(build);
    await runBuild(this.at, project, build, request);
    await this.emit(build);
    return build;
  }

  async handle({ operation, input }: Call): Promise<JsonObject> {
    switch (operation) {
      case 'BatchGetBuilds': return { builds: texts(input, 'ids').map((id) => this.describe(this.build(id))) };
      case 'ListBuildsForProject': {
        const { name } = this.project(text(input, 'projectName'));
        return { ids: this.builds.filter(({ project }) => project === name).map(({ id }) => id).reverse() };
      }
      case 'ListProjects': return { projects: [...this.projects.keys()] };
      case 'StopBuild': {
        const build = this.build(text(input, 'id'));
        if (build.status === 'IN_PROGRESS') {
          build.status = 'STOPPED';
          build.process?.kill('SIGTERM');
        }
        return { build: this.describe(build) };
      }
      default: throw new Unsupported(`codebuild:${operation}`);
    }
  }

  private get at(): Cloud {
    if (this.cloud === undefined) throw new Error('CodeBuild has not been started');
    return this.cloud;
  }

  private async emit(build: Build): Promise<void> {
    await this.at.emit('aws.codebuild', 'CodeBuild Build State Change', {
      'build-status': build.status, 'project-name': build.project, 'build-id': this.arn(build), 'current-phase': build.phases.at(-1)?.name ?? 'SUBMITTED',
    }, [this.arn(build)]);
  }

  private arn({ id }: Build): string {
    return `arn:${this.at.partition}:codebuild:${this.at.region}:${this.at.account}:build/${id}`;
  }

  private describe(build: Build): JsonObject {
    return {
      id: build.id,
      arn: this.arn(build),
      projectName: build.project,
      buildNumber: build.number,
      buildStatus: build.status,
      buildComplete: build.status !== 'IN_PROGRESS',
      startTime: build.started.getTime() / 1000,
      phases: build.phases.map(({ name, status }) => ({ phaseType: name, phaseStatus: status })),
      exportedEnvironmentVariables: Object.entries(build.exported).map(([name, value]) => ({ name, value })),
      logs: { groupName: `/aws/codebuild/${build.project}`, deepLink: build.log },
    };
  }

  private project(name: string): BuildProject {
    const found = this.projects.get(name);
    if (found === undefined) throw new AwsError('ResourceNotFoundException', `Project cannot be found: ${name}`);
    return found;
  }

  private build(id: string): Build {
    const found = this.builds.find((build) => build.id === id);
    if (found === undefined) throw new AwsError('ResourceNotFoundException', `Build cannot be found: ${id}`);
    return found;
  }
}
