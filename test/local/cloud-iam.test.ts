import { PolicyEvaluator } from '../../examples/local/cloud/iam';
import { iamRequests } from '../../examples/local/cloud/iam-requests';
import { Call, Deployed, JsonObject, Resource } from '../../examples/local/cloud/types';

const where = { partition: 'aws', region: 'eu-central-1', account: '111122223333' };
const call = (service: string, operation: string, input: JsonObject = {}, more: Partial<Call> = {}): Call => ({
  service, operation, input, principal: { arn: '', name: '', restricted: true }, method: 'POST', path: '/', headers: {}, body: Buffer.alloc(0), ...more,
});
const asked = (...args: Parameters<typeof call>) => iamRequests(call(...args), where).map(({ action, resource }) => `${action} ${resource.replace(/:eu-central-1:111122223333:/, '::')}`);
const rest = (service: string, method: string, path: string, headers: Record<string, string> = {}) => asked(service, `${method} ${path}`, {}, { method, path, headers });

test('each call asks IAM for its action on what it names', () => {
  expect(asked('states', 'StopExecution', { executionArn: 'arn:e' })).toEqual(['states:StopExecution arn:e']);
  expect(asked('sagemaker', 'UpdateEndpoint', { EndpointName: 'A', EndpointConfigName: 'b' }))
    .toEqual(['sagemaker:UpdateEndpoint arn:aws:sagemaker::endpoint/a', 'sagemaker:UpdateEndpoint arn:aws:sagemaker::endpoint-config/b']);
  expect(asked('monitoring', 'DisableAlarmActions', { AlarmNames: ['a', 'b'] }))
    .toEqual(['cloudwatch:DisableAlarmActions arn:aws:cloudwatch::alarm:a', 'cloudwatch:DisableAlarmActions arn:aws:cloudwatch::alarm:b']);
  expect(asked('codepipeline', 'RetryStageExecution', { pipelineName: 'p', stageName: 'Train' })).toEqual(['codepipeline:RetryStageExecution arn:aws:codepipeline::p/Train']);
  expect(asked('dynamodb', 'TransactWriteItems', { TransactItems: [{ Put: { TableName: 't' } }, { ConditionCheck: { TableName: 't' } }] }))
    .toEqual(['dynamodb:PutItem arn:aws:dynamodb::table/t', 'dynamodb:ConditionCheckItem arn:aws:dynamodb::table/t']);
  expect(rest('s3', 'PUT', '/b/a%20b/c')).toEqual(['s3:PutObject arn:aws:s3:::b/a b/c']);
  expect(rest('s3', 'PUT', '/b/k', { 'x-amz-copy-source': '/o/k2' })).toEqual(['s3:PutObject arn:aws:s3:::b/k', 's3:GetObject arn:aws:s3:::o/k2']);
  expect(rest('s3', 'GET', '/b?list-type=2&prefix=x')).toEqual(['s3:ListBucket arn:aws:s3:::b']);
  expect(rest('s3', 'PUT', '/b?policy')).toEqual(['s3:PutBucketPolicy arn:aws:s3:::b']);
  expect(rest('sagemaker', 'POST', '/endpoints/live/invocations')).toEqual(['sagemaker:InvokeEndpoint arn:aws:sagemaker::endpoint/live']);
  expect(() => rest('lambda', 'POST', '/2015-03-31/functions')).toThrow('an IAM decision about lambda POST');
  expect(iamRequests(call('monitoring', 'PutMetricData', { Namespace: 'n' }), where)).toEqual([{ action: 'cloudwatch:PutMetricData', resource: '*', context: { 'cloudwatch:namespace': 'n' } }]);
});

const ROLE = 'arn:aws:iam::111122223333:role/team/person';
const world = (...resources: [type: string, properties: JsonObject, deployed?: Partial<Deployed>][]) => {
  const map = new Map(resources.map(([type, properties, deployed], index) => {
    const resource: Resource = { type, properties, logicalId: `R${index}`, path: `S/R${index}`, stackName: 'S', metadata: {} };
    return [resource.path, { resource, deployed: { ref: `r${index}`, attributes: {}, ...deployed } }];
  }));
  return new PolicyEvaluator(() => map, where.account);
};
const statement = (Effect: string, Action: string, on = '*', more: JsonObject = {}): JsonObject => ({ Effect, Action, Resource: on, ...more });
const policy = (...statements: JsonObject[]): JsonObject => ({ Version: '2012-10-17', Statement: statements });

test('identity policies, the boundary, tags and resource policies decide together, and the deciding statement is named', () => {
  const evaluator = world(
    ['AWS::IAM::Role', {
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'],
      PermissionsBoundary: 'arn:boundary',
      Policies: [{ PolicyName: 'inline', PolicyDocument: policy(statement('Deny', 'events:PutEvents', '*', { Sid: 'Forged', Condition: { StringEquals: { 'events:source': 'cdk-mlops' } } })) }],
      Tags: [{ Key: 'team', Value: 'blue' }],
    }, { ref: 'person', attributes: { Arn: ROLE } }],
    ['AWS::IAM::ManagedPolicy', { ManagedPolicyName: 'Fence', PolicyDocument: policy(statement('Allow', '*'), statement('Deny', 'iam:*', '*', { Sid: 'NoIam' })) }, { ref: 'arn:boundary' }],
    ['AWS::S3::BucketPolicy', {
      Bucket: 'shared', PolicyDocument: policy({ ...statement('Deny', 's3:*', 'arn:aws:s3:::shared/*', { Sid: 'OnlyRed' }), Principal: '*', Condition: { StringNotEquals: { 'aws:PrincipalTag/team': 'red' } } }),
    }],
  );
  const decide = (action: string, resource = '*', context: Record<string, string> = {}) => evaluator.decide(ROLE, action, resource, context);
  expect(decide('sagemaker:StopTrainingJob')).toEqual({ allowed: true, by: 'All of AdministratorAccess' });
  expect(decide('iam:CreateRole', 'arn:aws:iam::111122223333:role/x')).toEqual({ allowed: false, by: 'explicit deny: NoIam of Fence' });
  expect(decide('events:PutEvents', '*', { 'events:source': 'cdk-mlops' })).toEqual({ allowed: false, by: 'explicit deny: Forged of inline' });
  expect(decide('events:PutEvents', '*', { 'events:source': 'other' }).allowed).toBe(true);
  expect(decide('s3:GetObject', 'arn:aws:s3:::shared/a')).toEqual({ allowed: false, by: 'explicit deny: the policy of R2' });
  expect(decide('s3:GetObject', 'arn:aws:s3:::other/a').allowed).toBe(true);
});

test('the id of an API may be a pattern', () => {
  const api = (path: string): string => `arn:aws:execute-api:eu-central-1:111122223333:${path}`;
  const evaluator = world(['AWS::IAM::Role', {
    Policies: [{
      PolicyName: 'inline',
      PolicyDocument: policy(statement('Allow', 'execute-api:Invoke', api('own/*')), statement('Deny', 'execute-api:Invoke', api('*/*/POST/ground-truth'), { Sid: 'Labels' })),
    }],
  }, { attributes: { Arn: ROLE } }]);
  const decide = (resource: string) => evaluator.decide(ROLE, 'execute-api:Invoke', api(resource));
  expect(decide('own/live/POST/predictions').allowed).toBe(true);
  expect(decide('own/live/POST/ground-truth')).toEqual({ allowed: false, by: 'explicit deny: Labels of inline' });
  expect(decide('other/live/POST/predictions')).toEqual({ allowed: false, by: 'implicit deny: no statement allows it' });
});

test('a policy whose text is not in the assembly is not guessed', () => {
  const evaluator = world(['AWS::IAM::Role', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'] }, { attributes: { Arn: ROLE } }]);
  expect(() => evaluator.decide(ROLE, 's3:GetObject', '*')).toThrow('AmazonS3FullAccess');
});

test('a key that is only imported leaves its use to IAM, as KMS has it; a key of the assembly has its own policy', () => {
  const [imported, own, other] = ['imported', 'own', 'other'].map((id) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`);
  const evaluator = world(
    ['AWS::IAM::Role', { Policies: [{ PolicyName: 'inline', PolicyDocument: policy(statement('Allow', 'kms:Decrypt', imported), statement('Allow', 'kms:Decrypt', own)) }] }, {
      attributes: { Arn: ROLE },
    }],
    ['AWS::KMS::Key', { KeyPolicy: policy({ ...statement('Allow', 'kms:*'), Principal: { AWS: 'arn:aws:iam::111122223333:role/somebody' } }) }, { attributes: { Arn: own } }],
  );
  const allowed = (action: string, key: string) => evaluator.decide(ROLE, action, key).allowed;
  expect(allowed('kms:Decrypt', imported)).toBe(true);
  expect(allowed('kms:Encrypt', imported)).toBe(false);
  expect(allowed('kms:Decrypt', other)).toBe(false);
  expect(allowed('kms:Decrypt', own)).toBe(false);
});
