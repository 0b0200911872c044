import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { aws_iam as iam } from 'aws-cdk-lib';
import { lineApp } from './line-app';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';
import { JsonObject } from '../../../examples/local/cloud/types';
import { jsonCall } from '../../../examples/local/cloud/wire';

let world: LineWorld;
beforeAll(async () => {
  world = await LineWorld.start((stack) => {
    lineApp(stack, undefined, { keep: 2 });
    new iam.Role(stack, 'Mighty', { assumedBy: new iam.AccountRootPrincipal() }).addToPolicy(new iam.PolicyStatement({ actions: ['*'], resources: ['*'] }));
  }, { enforce: 'everyone' });
  world.traffic.level = 5;
});
afterAll(() => world.stop());
afterEach(() => expect(world.cloud.faults).toEqual([]));

const ecr = (operation: string, input: JsonObject): Promise<JsonObject> => {
  const repositoryName = world.out.Repository.slice(world.out.Repository.indexOf('/') + 1);
  return jsonCall(world.cloud, 'ecr', `AmazonEC2ContainerRegistry_V20150921.${operation}`, { repositoryName, ...input });
};

/** Tags of the images that are there. */
async function images(): Promise<string[]> {
  const { imageDetails } = await ecr('DescribeImages', {});
  return (imageDetails as { imageTags: string[] }[]).flatMap(({ imageTags }) => imageTags).sort();
}

/** The build pushes the image of a commit. */
async function push(commit: string): Promise<void> {
  await ecr('PutImage', { imageTag: commit, imageManifest: JSON.stringify({ config: { digest: `sha256:${commit}` } }) });
}

function modelData({ modelDataUrl }: VersionItem & { modelDataUrl?: string }): { Bucket: string; Key: string } {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(modelDataUrl ?? '')!;
  return { Bucket, Key };
}

/** Whether config, model and model data of a version are there. */
async function parts(record: VersionItem): Promise<{ hosted: number; data: boolean }> {
  const data = await world.cloud.client(S3Client).send(new HeadObjectCommand(modelData(record))).then(() => true, () => false);
  return { hosted: (await world.hosted(record)).length, data };
}

const ALL = { hosted: 2, data: true };
const NONE = { hosted: 0, data: false };

test('what more than two good releases ago served is removed, with all that nobody else needs', async () => {
  await world.publish({ level: 5 });
  const first = await world.merge();
  await push(first.commit);
  await world.until(() => !world.releasing);
  await world.publish({ level: 5 });
  await world.released();
  const second = await world.version('V1.0.1');
  expect([second.stage, second.commit]).toEqual(['Production', first.commit]);
  expect([await parts(first), await parts(second)]).toEqual([ALL, ALL]);

  const third = await world.merge();
  await push(third.commit);
  await world.released();
  expect((await world.version(third.version)).stage).toBe('Production');
  expect([await parts(first), await parts(second), await parts(third)]).toEqual([NONE, ALL, ALL]);
  // the second was made from the same commit
  expect(await images()).toEqual([first.commit, third.commit]);

  const fourth = await world.merge();
  await push(fourth.commit);
  await world.released();
  expect([await parts(second), await parts(third), await parts(fourth)]).toEqual([NONE, ALL, ALL]);
  expect(await images()).toEqual([third.commit, fourth.commit]);
  expect((await world.version(first.version)).stage).toBe('Archived');
});

test('model data that were removed can be brought back; nobody but the retention removes any', async () => {
  const [first] = await world.versions();
  const s3 = world.cloud.client(S3Client);
  const { Bucket, Key } = modelData(first);
  const { DeleteMarkers, Versions } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: Key }));
  expect(DeleteMarkers).toHaveLength(1);
  await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: DeleteMarkers![0].VersionId }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  expect((await Body!.transformToByteArray()).length).toBe(Versions![0].Size);

  const roles = [...world.cloud.resources.values()].filter(({ resource }) => resource.type === 'AWS::IAM::Role').map(({ deployed }) => deployed.attributes.Arn);
  const who = (action: string, resource: string) => roles.filter((role) => world.cloud.decide(role, action, resource).allowed).map((role) => role.replace(/^.*role\/Test-/, ''));
  const { account, region } = world.cloud;
  expect(who('s3:GetObject', `arn:aws:s3:::${Bucket}/${Key}`)).toContainEqual(expect.stringMatching(/^Mighty/));
  expect(who('s3:DeleteObject', `arn:aws:s3:::${Bucket}/${Key}`)).toEqual([expect.stringContaining('CommonReleaseRole')]);
  expect(who('s3:DeleteObjectVersion', `arn:aws:s3:::${Bucket}/${Key}`)).toEqual([]);
  const repository = `arn:aws:ecr:${region}:${account}:repository/${world.out.Repository.slice(world.out.Repository.indexOf('/') + 1)}`;
  expect(who('ecr:BatchDeleteImage', repository)).toEqual([expect.stringContaining('CommonWorkflowRole')]);
});
