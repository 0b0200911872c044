import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CodePipelineClient, GetPipelineExecutionCommand, GetPipelineStateCommand, ListPipelineExecutionsCommand, RetryStageExecutionCommand,
  StartPipelineExecutionCommand, StopPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline';

import { TinyCloud } from './support/tiny-cloud';
import { CodeBuild } from '../../examples/local/cicd/codebuild';
import { CodeCommit } from '../../examples/local/cicd/codecommit';
import { CodePipeline } from '../../examples/local/cicd/codepipeline';
import { git } from '../../examples/local/cicd/git';
import { AwsError, Call, JsonObject, Service, StandIn } from '../../examples/local/cloud/types';

/** State machines that end when the clock says so. */
class FakeStates implements StandIn, Service {
  readonly describes = [];
  readonly services = [this];
  readonly scopes = ['states'];
  readonly inputs: JsonObject[] = [];
  lastsMs = 0;
  status = 'SUCCEEDED';
  private readonly ends = new Map<string, number>();
  private cloud: TinyCloud | undefined;

  attach(cloud: TinyCloud): void {
    this.cloud = cloud;
  }

  async handle({ operation, input }: Call): Promise<JsonObject> {
    const now = this.cloud?.clock.now().getTime() ?? 0;
    if (operation === 'StartExecution') {
      this.inputs.push(JSON.parse(String(input.input)) as JsonObject);
      this.ends.set(`arn:${String(input.name)}`, now + this.lastsMs);
      return { executionArn: `arn:${String(input.name)}`, startDate: now / 1000 };
    }
    const over = now >= (this.ends.get(String(input.executionArn)) ?? 0);
    return { executionArn: input.executionArn, status: over ? this.status : 'RUNNING', ...(this.status === 'FAILED' ? { error: 'ModelRejected', cause: 'worse' } : {}) };
  }
}

/** A registry that refuses to give a tag to another image. */
class FakeEcr implements StandIn, Service {
  readonly describes = [];
  readonly services = [this];
  readonly scopes = ['ecr'];
  private readonly tags = new Map<string, string>();

  async handle({ input }: Call): Promise<JsonObject> {
    const [tag, manifest] = [String(input.imageTag), String(input.imageManifest)];
    if (this.tags.has(tag) && this.tags.get(tag) !== manifest) throw new AwsError('ImageTagAlreadyExistsException', 'the tag is immutable');
    this.tags.set(tag, manifest);
    return {};
  }
}

const buildspec = {
  version: '0.2',
  env: { 'exported-variables': ['IMAGE_URI'] },
  phases: {
    install: { commands: ['pip install --no-cache-dir -r requirements.txt'] },
    pre_build: {
      commands: [
        'aws ecr get-login-password --region $AWS_REGION | docker login --username AWS --password-stdin "$REGISTRY"',
        'python check.py',
        'export IMAGE_URI="$REPOSITORY:$CODEBUILD_RESOLVED_SOURCE_VERSION"',
      ],
    },
    build: { commands: ['docker build --tag "$IMAGE_URI" .'] },
    post_build: {
      commands: [
        'if [ "$CODEBUILD_BUILD_SUCCEEDING" = 0 ]; then echo failed > post.txt; exit 1; fi',
        'docker push "$IMAGE_URI"',
        'DIGEST=$(docker inspect --format="{{index .RepoDigests 0}}" "$IMAGE_URI")',
        'printf \'{"commit":"%s","imageUri":"%s","digest":"%s","by":"%s"}\' "$CODEBUILD_RESOLVED_SOURCE_VERSION" "$IMAGE_URI" "$DIGEST" "$BY" > run.json',
      ],
    },
  },
  artifacts: { files: ['run.json'] },
};

const action = (name: string, kind: string, configuration: JsonObject, inputs: string[], outputs: string[], more: JsonObject = {}): JsonObject => {
  const [Category, Owner, Provider] = kind.split('/');
  return {
    Name: name,
    ActionTypeId: { Category, Owner, Provider, Version: '1' },
    Configuration: configuration,
    RunOrder: 1,
    InputArtifacts: inputs.map((Name) => ({ Name })),
    OutputArtifacts: outputs.map((Name) => ({ Name })),
    ...more,
  };
};

describe('CI/CD', () => {
  const states = new FakeStates();
  const codeBuild = new CodeBuild();
  const codeCommit = new CodeCommit();
  const codePipeline = new CodePipeline();
  const cloud = new TinyCloud([states, new FakeEcr(), codeCommit, codeBuild, codePipeline]);
  const sdk = () => cloud.client(CodePipelineClient);
  let work = '';

  const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };

  async function merge(file: string, content: string): Promise<string> {
    await git(work, ['checkout', '--quiet', '-B', 'topic']);
    await writeFile(join(work, file), content);
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '--allow-empty', '-m', `change ${file}`], identity);
    await git(work, ['checkout', '--quiet', '-B', 'main', (await git(work, ['for-each-ref', '--format=%(refname)', 'refs/remotes/origin/main'])) || 'topic']);
    await git(work, ['merge', '--quiet', '--no-ff', '--allow-unrelated-histories', '-m', `merge ${file}`, 'topic'], identity);
    await git(work, ['push', '--quiet', 'origin', 'main']);
    return git(work, ['rev-parse', 'HEAD']);
  }

  const start = async (): Promise<string> => {
    const { pipelineExecutionId: id } = await sdk().send(new StartPipelineExecutionCommand({ name: 'Delivery' }));
    return id ?? '';
  };
  const status = async (pipelineExecutionId: string) =>
    (await sdk().send(new GetPipelineExecutionCommand({ pipelineName: 'Delivery', pipelineExecutionId }))).pipelineExecution;
  const forward = async (minutes = 10) => cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + minutes * 60_000));

  beforeAll(async () => {
    states.attach(cloud);
    await cloud.start();
    await cloud.create('AWS::CodeCommit::Repository', 'Repository', { RepositoryName: 'temperature' });
    await cloud.create('AWS::CodeBuild::Project', 'Project', {
      Name: 'build',
      ServiceRole: 'arn:aws:iam::000000000000:role/build',
      Artifacts: { Type: 'CODEPIPELINE' },
      Source: { Type: 'CODEPIPELINE', BuildSpec: JSON.stringify(buildspec, undefined, 2) },
      Environment: {
        ComputeType: 'BUILD_GENERAL1_SMALL',
        Image: 'aws/codebuild/standard:7.0',
        Type: 'LINUX_CONTAINER',
        PrivilegedMode: true,
        EnvironmentVariables: [{ Name: 'REPOSITORY', Type: 'PLAINTEXT', Value: 'registry.local/temperature' }, { Name: 'REGISTRY', Value: 'registry.local' }],
      },
    });
    await cloud.create('AWS::CodePipeline::Pipeline', 'Pipeline', {
      Name: 'Delivery',
      PipelineType: 'V2',
      ExecutionMode: 'QUEUED',
      RoleArn: 'arn:aws:iam::000000000000:role/pipeline',
      Stages: [
        { Name: 'Source', Actions: [action('Source', 'Source/AWS/CodeCommit', { RepositoryName: 'temperature', BranchName: 'main', PollForSourceChanges: false }, [], ['Code'], { Namespace: 'Src' })] },
        {
          Name: 'Build',
          Actions: [action('Build', 'Build/AWS/CodeBuild', {
            ProjectName: 'build', EnvironmentVariables: JSON.stringify([{ name: 'BY', type: 'PLAINTEXT', value: '#{Src.BranchName} #{codepipeline.PipelineExecutionId}' }]),
          }, ['Code'], ['Run'])],
        },
        { Name: 'Train', Actions: [action('Train', 'Invoke/AWS/StepFunctions', { StateMachineArn: 'arn:train', InputType: 'FilePath', Input: 'run.json', ExecutionNamePrefix: 'merge' }, ['Run'], [])] },
      ],
    });
    work = join(cloud.folders.temp, 'work');
    await git(cloud.folders.temp, ['clone', '--quiet', codeCommit.folder('temperature'), work]);
    await writeFile(join(work, 'requirements.txt'), 'scikit-learn\n');
    await writeFile(join(work, 'Dockerfile'), 'FROM python\n');
    await mkdir(join(work, 'bin'));
    await writeFile(join(work, 'bin', 'train'), '#!/bin/sh\n');
    await chmod(join(work, 'bin', 'train'), 0o755);
  });

  afterAll(async () => cloud.stop());

  test('a merge is an event, and what the pipeline builds comes out', async () => {
    const commit = await merge('check.py', 'import sklearn, sys\nprint("checked with", sys.executable)\n');
    expect(cloud.events.filter(({ source }) => source === 'aws.codecommit').map(({ detail }) => detail)).toEqual([
      expect.objectContaining({ event: 'referenceCreated', repositoryName: 'temperature', referenceName: 'main', commitId: commit, callerUserArn: expect.stringContaining('operator') }),
    ]);
    await codePipeline.targets[0].deliver('arn:aws:codepipeline:eu-west-1:000000000000:Delivery', {});
    await forward();
    const [run] = codePipeline.executions('Delivery');
    expect([run.status, run.reason]).toEqual(['Succeeded', undefined]);
    expect(states.inputs).toEqual([{
      commit, imageUri: `registry.local/temperature:${commit}`, digest: expect.stringMatching(/^registry.local\/temperature@sha256:[0-9a-f]{64}$/), by: `main ${run.id}`,
    }]);
    const image = cloud.images.get(`registry.local/temperature:${commit}`) ?? '';
    expect(existsSync(join(image, 'Dockerfile'))).toBe(true);
    expect(existsSync(join(image, '.git'))).toBe(false);
    expect(cloud.images.get(String(states.inputs[0].digest))).toBe(image);
    const [build] = codeBuild.builds;
    expect(build).toMatchObject({ status: 'SUCCEEDED', number: 1, images: [`registry.local/temperature:${commit}`] });
    expect(build.skipped).toEqual([
      'pip install --no-cache-dir -r requirements.txt',
      'aws ecr get-login-password --region eu-west-1',
      'docker login --username AWS --password-stdin registry.local',
      `docker build --tag registry.local/temperature:${commit} .`,
      `docker push registry.local/temperature:${commit}`,
      expect.stringContaining('docker inspect'),
    ]);
    expect(await readFile(build.log, 'utf8')).toContain(`checked with ${cloud.python}`);
    expect(cloud.events.filter(({ type }) => type === 'CodePipeline Pipeline Execution State Change').map(({ detail }) => detail.state)).toEqual(['STARTED', 'SUCCEEDED']);
  });

  test('one execution at a time: a second merge waits, and builds its own commit', async () => {
    states.lastsMs = 3_600_000;
    const first = await merge('a.txt', '1');
    const one = await start();
    const second = await merge('a.txt', '2');
    const two = await start();
    const third = await merge('a.txt', '3');
    await forward(30);
    expect([(await status(one))?.status, (await status(two))?.status, codeBuild.builds.length]).toEqual(['InProgress', 'InProgress', 2]);
    const state = await sdk().send(new GetPipelineStateCommand({ name: 'Delivery' }));
    expect(state.stageStates?.map(({ latestExecution }) => latestExecution?.status)).toEqual(['Succeeded', 'Succeeded', 'InProgress']);
    await forward(300);
    expect([(await status(one))?.status, (await status(two))?.status]).toEqual(['Succeeded', 'Succeeded']);
    expect(states.inputs.slice(1).map(({ commit }) => commit)).toEqual([first, second]);
    expect(third).not.toBe(second);
    states.lastsMs = 0;
  });

  test('a failing command fails build and pipeline, and nothing is pushed', async () => {
    await merge('check.py', 'raise SystemExit(3)\n');
    const id = await start();
    await forward();
    const run = await status(id);
    expect(run?.status).toBe('Failed');
    expect(run?.statusSummary).toMatch(/Build build:\S+ FAILED: phase PRE_BUILD failed/);
    expect(codeBuild.builds.at(-1)).toMatchObject({ status: 'FAILED', images: [], phases: [{ name: 'INSTALL', status: 'SUCCEEDED' }, { name: 'PRE_BUILD', status: 'FAILED' }] });
  });

  test('what a build asks of Docker that is not there is named', async () => {
    await merge('check.py', 'import subprocess, sys\nsys.exit(subprocess.call(["docker", "run", "x"]))\n');
    await start();
    await forward();
    expect(await readFile(codeBuild.builds.at(-1)?.log ?? '', 'utf8')).toContain('the local cloud does not support `docker run x` in a build');
  });

  test('a failed state machine fails the run; its stage can be tried again', async () => {
    await merge('check.py', 'pass\n');
    states.status = 'FAILED';
    const id = await start();
    await forward();
    expect(await status(id)).toMatchObject({ status: 'Failed', statusSummary: expect.stringMatching(/FAILED with ModelRejected: worse/) });
    states.status = 'SUCCEEDED';
    const builds = codeBuild.builds.length;
    await sdk().send(new RetryStageExecutionCommand({ pipelineName: 'Delivery', pipelineExecutionId: id, stageName: 'Train', retryMode: 'FAILED_ACTIONS' }));
    await forward();
    expect([(await status(id))?.status, codeBuild.builds.length]).toEqual(['Succeeded', builds]);
  });

  test('a run can be stopped: waiting ones at once, a running one after its action or abandoned', async () => {
    states.lastsMs = 3_600_000;
    const [running, waiting] = [await start(), await start()];
    await forward(5);
    const stop = async (pipelineExecutionId: string, abandon: boolean) =>
      sdk().send(new StopPipelineExecutionCommand({ pipelineName: 'Delivery', pipelineExecutionId, abandon, reason: 'for the test' }));
    await stop(waiting, false);
    await stop(running, false);
    expect([(await status(running))?.status, (await status(waiting))?.status]).toEqual(['Stopping', 'Stopped']);
    await stop(running, true);
    expect(await status(running)).toMatchObject({ status: 'Stopped', statusSummary: 'for the test' });
    await expect(stop(running, true)).rejects.toThrow(/terminal state/);
    const { pipelineExecutionSummaries: all } = await sdk().send(new ListPipelineExecutionsCommand({ pipelineName: 'Delivery' }));
    expect(all?.slice(0, 2).map((one) => one.status)).toEqual(['Stopped', 'Stopped']);
    states.lastsMs = 0;
    await forward(120);
  });

  test('a push that the policies deny is refused by git itself', async () => {
    const role = 'arn:aws:iam::000000000000:role/scientist';
    cloud.principals.restrict(role);
    cloud.denied.push(`${role} codecommit:GitPush arn:aws:codecommit:eu-west-1:000000000000:temperature`);
    await writeFile(join(work, 'b.txt'), 'b');
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '-m', 'direct'], identity);
    await expect(git(work, ['push', '--quiet', 'origin', 'main'], cloud.environment(role))).rejects.toThrow(/scientist may not push refs\/heads\/main to temperature/);
  });

  test('what is not supported is refused by name', async () => {
    const pipeline = (properties: JsonObject) => cloud.create('AWS::CodePipeline::Pipeline', 'Other', { Name: 'Other', PipelineType: 'V2', ExecutionMode: 'QUEUED', RoleArn: 'r', Stages: [], ...properties });
    await expect(pipeline({ ExecutionMode: 'SUPERSEDED' })).rejects.toThrow(/ExecutionMode SUPERSEDED/);
    await expect(pipeline({ Stages: [{ Name: 'A', Actions: [action('Ask', 'Approval/AWS/Manual', {}, [], [])] }] })).rejects.toThrow(/Approval\/AWS\/Manual/);
    await expect(pipeline({ Stages: [{ Name: 'A', Actions: [], OnFailure: {} }] })).rejects.toThrow(/Stages\.A\.OnFailure/);
  });
});
