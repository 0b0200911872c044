import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';

import { Clouds, only } from './cloud-support';
import { CodeBuild } from '../../examples/local/cicd/codebuild';
import { CodeCommit } from '../../examples/local/cicd/codecommit';
import { CodePipeline } from '../../examples/local/cicd/codepipeline';
import { Ecr } from '../../examples/local/cicd/ecr';
import { git } from '../../examples/local/cicd/git';
import { CloudWatch } from '../../examples/local/cloudwatch/cloudwatch';
import { DeliveryPipeline } from '../../src/delivery/delivery-pipeline';
import { ModelSource } from '../../src/source/model-source';
import { TrainingWorkflow } from '../../src/training/training-workflow';

const MODEL = resolve(__dirname, '../../examples/regression-platform/model');

describe('the delivery pipeline of the library', () => {
  const clouds = new Clouds();
  const codeBuild = new CodeBuild();
  const codePipeline = new CodePipeline();
  const codeCommit = new CodeCommit();

  afterAll(async () => clouds.stop());

  test('a push to main tests the commit, builds its image and starts the training; pushes meanwhile wait for their turn', async () => {
    const cloud = await clouds.deploy((stack: Stack) => {
      const repository = new ecr.Repository(stack, 'Images', { imageTagMutability: ecr.TagMutability.IMMUTABLE, removalPolicy: RemovalPolicy.DESTROY });
      const stateMachine = new sfn.StateMachine(stack, 'Training', { definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, 'Trained')) });
      // the pipeline knows no more of the training than its state machine and its registry's repository
      const training = { stateMachine, registry: { repository } } as unknown as TrainingWorkflow;
      new DeliveryPipeline(stack, 'Delivery', {
        source: ModelSource.codeCommit({ repositoryName: 'temperature' }),
        training,
        testCommands: ['python3 -m pip install --quiet --requirement requirements.txt pytest', 'python3 -c "import sklearn, model"'],
      });
    }, { standIns: [new Ecr(), codeCommit, codeBuild, codePipeline, new CloudWatch()] });

    const work = join(cloud.folders.temp, 'work');
    await git(cloud.folders.temp, ['clone', '--quiet', codeCommit.folder('temperature'), work]);
    cpSync(MODEL, work, { recursive: true });
    const identity = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b' };
    await git(work, ['add', '.']);
    await git(work, ['commit', '--quiet', '-m', 'a model'], identity);
    const commit = await git(work, ['rev-parse', 'HEAD']);
    await git(work, ['push', '--quiet', 'origin', 'HEAD:main']);
    await cloud.clock.settle();
    await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + 600_000));

    const pipeline = only(cloud, 'AWS::CodePipeline::Pipeline').ref;
    const [run, ...others] = codePipeline.executions(pipeline);
    expect([run?.status, run?.reason, others.length]).toEqual(['Succeeded', undefined, 0]);
    const uri = `${only(cloud, 'AWS::ECR::Repository').attributes.RepositoryUri}:${commit}`;
    const [{ images, skipped }] = codeBuild.builds;
    expect(images).toEqual([uri]);
    expect(skipped.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual(['pip install', 'aws ecr', 'docker login', 'docker build', 'docker push']);
    expect(readFileSync(join(cloud.images.get(uri) ?? '', 'Dockerfile'))).toEqual(readFileSync(join(MODEL, 'Dockerfile')));
    const client = cloud.client(SFNClient);
    const { executions } = await client.send(new ListExecutionsCommand({ stateMachineArn: only(cloud, 'AWS::StepFunctions::StateMachine').ref }));
    const { input } = await client.send(new DescribeExecutionCommand({ executionArn: executions?.[0].executionArn }));
    expect(JSON.parse(input ?? '')).toEqual({ commit, author: 'a', imageUri: uri, spec: JSON.parse(readFileSync(join(MODEL, 'mlops.json'), 'utf8')) as object });
    // two more merges, before the first of them has begun: each runs with the commit that it was
    const later: string[] = [];
    for (const name of ['one', 'two']) {
      await git(work, ['commit', '--quiet', '--allow-empty', '-m', name], identity);
      later.push(await git(work, ['rev-parse', 'HEAD']));
      await git(work, ['push', '--quiet', 'origin', 'HEAD:main']);
    }
    await cloud.clock.settle();
    await cloud.clock.advanceTo(new Date(cloud.clock.now().getTime() + 1_200_000));
    const runs = codePipeline.executions(pipeline).slice(1);
    expect(runs.map(({ status, revisions }) => [status, [...revisions.values()][0].commit])).toEqual(later.map((each) => ['Succeeded', each]));
    expect(runs[1].actions.get('Build/Build')?.changed.getTime()).toBeGreaterThanOrEqual(runs[0].ended!.getTime());
    expect(cloud.faults).toEqual([]);
  });
});
