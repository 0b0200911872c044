import * as path from 'path';
import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { declaredIn, Where } from './names';
import { Policies } from './policies';
import { regressionPlatform } from '../../../examples/regression-platform/platform';
import { DataScript, DataSource, MlopsPlatform, ModelSource, NotebookRepository, Persona } from 'cdk-mlops';

export const WHERE: Where = { account: '111122223333', region: 'eu-central-1' };
/** The role of a permission set that gives its people everything, before the platform protects itself against it. */
export const PERMISSION_SET = 'AWSReservedSSO_Team_0123456789abcdef';

/** A synthesized app, and the documents for its organization. */
export interface Deployed {
  readonly policies: Policies;
  readonly organization: readonly string[];
  /** Whether people sign in with a second factor. */
  readonly secondFactor: boolean;
  /** Protected buckets that were made elsewhere, and whose policies are none of the platform's. */
  readonly imported: readonly string[];
  /** Whether the boundary stands for all buckets that are named after the stack, because they are too many to be listed. */
  readonly manyBuckets: boolean;
}

/** The example app, as it stands. */
export function example(outdir: string): Deployed {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = regressionPlatform(app);
  // its people are of the account, however they signed in
  return deployed(app, stack.node.findChild('Mlops') as MlopsPlatform, false);
}

/** Everything that people and roles can be: two models of either kind of source, notebooks, all personas, a permission set. */
export function team(outdir: string): Deployed {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = new Stack(app, 'Team');
  const platform = new MlopsPlatform(stack, 'Mlops', { removalPolicy: RemovalPolicy.DESTROY });
  const { dataset } = platform.addDataPipeline('Weather', {
    source: DataSource.upload(),
    script: DataScript.fromAsset(path.join(__dirname, '..', '..', '..', 'examples', 'regression-platform', 'pipelines', 'weather.py')),
    target: 'temp_in_24h',
    timeColumn: 'time_hour',
  });
  const model = platform.addModel('Temperature', { source: ModelSource.codeCommit(), dataset });
  const connection = `arn:aws:codeconnections:${WHERE.region}:${WHERE.account}:connection/git`;
  platform.addModel('Wind', { source: ModelSource.connection(connection, 'acme/wind'), dataset });

  platform.addPersona('Engineer', { persona: Persona.DATA_ENGINEER });
  const scientists = platform.addPersona('Scientist', { persona: Persona.DATA_SCIENTIST });
  platform.addPersona('Approver', { persona: Persona.APPROVER });
  platform.addPersona('Operator', { persona: Persona.OPERATOR });
  platform.addBreakGlass('BreakGlass');
  platform.addPersona('Teammate', { persona: Persona.DATA_SCIENTIST, role: iam.Role.fromRoleName(stack, 'PermissionSet', PERMISSION_SET) });
  const repository = model.delivery.repository.codeCommitRepository!;
  platform.addNotebookEnvironment('Ada', { repository: NotebookRepository.codeCommit(repository) }).grantOpen(scientists, 'ada');
  platform.addNotebookEnvironment('Ben').grantOpen(scientists, 'ben');
  const client = new iam.Role(stack, 'Client', { assumedBy: new iam.AccountRootPrincipal() });
  model.api.grantPredict(client);
  model.api.grantSubmitGroundTruth(client);
  new CfnOutput(stack, 'ClientRole', { value: client.roleArn });
  // more than a boundary holds
  for (let year = 2017; year <= 2025; year++) platform.protection.protectBucket(s3.Bucket.fromBucketName(stack, String(year), `reports-of-the-year-${year}`));
  return deployed(app, platform, true);
}

/** A platform that keeps an eye on a bucket that was made elsewhere. */
export function withImported(outdir: string): Deployed {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = new Stack(app, 'Imported');
  const platform = new MlopsPlatform(stack, 'Mlops');
  platform.addPersona('Teammate', { persona: Persona.DATA_SCIENTIST, role: iam.Role.fromRoleName(stack, 'PermissionSet', PERMISSION_SET) });
  const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'made-elsewhere');
  platform.protection.protectBucket(bucket);
  return { ...deployed(app, platform, true), imported: [`arn:aws:s3:::${bucket.bucketName}`] };
}

function deployed(app: App, platform: MlopsPlatform, secondFactor: boolean): Deployed {
  const { directory } = app.synth();
  const policies = new Policies(declaredIn(directory, WHERE), WHERE.account);
  const boundary = policies.one('AWS::IAM::ManagedPolicy', 'Boundary');
  const manyBuckets = JSON.stringify(boundary.properties).includes(`:s3:::${Stack.of(platform).stackName.toLowerCase()}*`);
  return { policies, organization: platform.protection.serviceControlPolicies(), secondFactor, imported: [], manyBuckets };
}
