import { calledFunction, isUrlCall } from './function-urls';
import { Call, Cloud, Json, JsonObject, Unsupported } from './types';

/** What IAM is asked for a call: an action, on each resource that the call touches. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the service. */
  readonly context?: Record<string, string>;
}

type Where = Pick<Cloud, 'partition' | 'region' | 'account'>;
type Members = Record<string, (value: string, where: Where) => string>;

/** A member's value that is an ARN, or a name to be made one. */
const arn = (service: string, kind: string) => (value: string, { partition, region, account }: Where): string =>
  value.startsWith('arn:') ? value : `arn:${partition}:${service}:${region}:${account}:${kind}${value}`;
const asIs = (value: string): string => value;
/** SageMaker writes names into ARNs in lower case. */
const sagemaker = (kind: string) => (value: string, where: Where): string => arn('sagemaker', `${kind}/`)(value, where).toLowerCase();
const last = (value: string): string => value.slice(value.lastIndexOf('/') + 1);

/** Which members of a call's input name a resource, and that resource's ARN. The IAM prefix where it is not the scope. */
const SERVICES: Record<string, { readonly prefix?: string; readonly members: Members }> = {
  'states': { members: { executionArn: asIs, stateMachineArn: asIs } },
  'sagemaker': {
    members: {
      TrainingJobName: sagemaker('training-job'),
      ProcessingJobName: sagemaker('processing-job'),
      TransformJobName: sagemaker('transform-job'),
      EndpointName: sagemaker('endpoint'),
      EndpointConfigName: sagemaker('endpoint-config'),
      ModelName: sagemaker('model'),
      ModelPackageName: sagemaker('model-package'),
      ModelPackageArn: asIs,
      ModelPackageGroupName: sagemaker('model-package-group'),
      NotebookInstanceName: sagemaker('notebook-instance'),
      PipelineName: sagemaker('pipeline'),
      ResourceArn: asIs,
    },
  },
  'codepipeline': { members: { pipelineName: arn('codepipeline', ''), name: arn('codepipeline', '') } },
  'codecommit': { members: { repositoryName: arn('codecommit', '') } },
  'codebuild': { members: { projectName: arn('codebuild', 'project/'), id: (id, where) => arn('codebuild', 'project/')(id.split(':')[0], where) } },
  'monitoring': {
    prefix: 'cloudwatch',
    members: {
      AlarmName: arn('cloudwatch', 'alarm:'),
      AlarmNames: arn('cloudwatch', 'alarm:'),
      DashboardName: arn('cloudwatch', 'dashboard/'),
      DashboardNames: arn('cloudwatch', 'dashboard/'),
    },
  },
  'events': { members: { Rule: arn('events', 'rule/'), Name: arn('events', 'rule/'), EventBusName: arn('events', 'event-bus/') } },
  'dynamodb': { members: { TableName: arn('dynamodb', 'table/') } },
  'athena': { members: { WorkGroup: arn('athena', 'workgroup/') } },
  'glue': { members: { JobName: arn('glue', 'job/'), Name: arn('glue', 'job/'), DatabaseName: arn('glue', 'database/') } },
  'kms': { members: { KeyId: (id, where) => id.startsWith('alias/') ? arn('kms', '')(id, where) : arn('kms', 'key/')(id, where) } },
  'ssm': { members: { Name: (name, where) => arn('ssm', 'parameter/')(name.replace(/^\//, ''), where) } },
  'secretsmanager': { members: { SecretId: arn('secretsmanager', 'secret:') } },
  'sqs': { members: { QueueUrl: (url, where) => arn('sqs', '')(last(url), where) } },
  'sns': { members: { TopicArn: asIs } },
  'logs': { members: { logGroupName: (name, where) => `${arn('logs', 'log-group:')(name, where)}:*` } },
  'ecr': { members: { repositoryName: arn('ecr', 'repository/') } },
  'firehose': { members: { DeliveryStreamName: arn('firehose', 'deliverystream/') } },
  'iam': {
    members: {
      RoleName: (name, { partition, account }) => `arn:${partition}:iam::${account}:role/${name}`,
      PolicyArn: asIs,
      UserName: (name, { partition, account }) => `arn:${partition}:iam::${account}:user/${name}`,
    },
  },
  'sts': { members: { RoleArn: asIs } },
  'application-autoscaling': { members: {} },
};

type Asked = Omit<IamRequest, 'action'>;
const pipelinePart = ({ pipelineName, stageName, actionName }: JsonObject, where: Where): Asked[] =>
  [{ resource: arn('codepipeline', '')([pipelineName, stageName, actionName].filter((part) => part !== undefined).join('/'), where) }];

/** A table is decided upon together with its database and the catalog. */
const catalogTable = ({ DatabaseName, Name, TableInput }: JsonObject, where: Where): Asked[] => {
  const table = String(Name ?? (TableInput as JsonObject | undefined)?.Name);
  return ['catalog', `database/${String(DatabaseName)}`, `table/${String(DatabaseName)}/${table}`].map((kind) => ({ resource: arn('glue', kind)('', where) }));
};

/** Actions about something that more than one member names, or with condition keys of their own. */
const SPECIAL: Record<string, (input: JsonObject, where: Where) => Asked[]> = {
  'events:PutEvents': ({ Entries }, where) => (Entries as Record<string, string | undefined>[]).map((entry) => ({
    resource: arn('events', 'event-bus/')(entry.EventBusName ?? 'default', where),
    context: { 'events:source': entry.Source ?? '', 'events:detail-type': entry.DetailType ?? '' },
  })),
  'codecommit:GitPush': ({ repositoryName, references }, where) => (references as Record<string, string>[]).map(({ ref }) => ({
    resource: arn('codecommit', '')(String(repositoryName), where), context: { 'codecommit:References': ref },
  })),
  ...Object.fromEntries([
    'DeleteScalingPolicy', 'DeregisterScalableTarget', 'PutScalingPolicy', 'PutScheduledAction', 'RegisterScalableTarget',
  ].map((operation): [string, (input: JsonObject, where: Where) => Asked[]] => [`application-autoscaling:${operation}`, (input, where) => [{
    resource: arn('application-autoscaling', 'scalable-target/')('0', where),
    context: {
      'application-autoscaling:service-namespace': String(input.ServiceNamespace), 'application-autoscaling:scalable-dimension': String(input.ScalableDimension),
    },
  }]])),
  ...Object.fromEntries(['GetTable', 'CreateTable', 'UpdateTable', 'DeleteTable'].map((operation) => [`glue:${operation}`, catalogTable])),
  'cloudwatch:PutMetricData': ({ Namespace }) => [{ resource: '*', context: { 'cloudwatch:namespace': String(Namespace) } }],
  ...Object.fromEntries([
    'RetryStageExecution', 'RollbackStage', 'OverrideStageCondition', 'DisableStageTransition', 'EnableStageTransition', 'PutApprovalResult', 'PutActionRevision',
  ].map((operation) => [`codepipeline:${operation}`, pipelinePart])),
};

/** Operations of the REST services, by method and path. */
const REST: [service: string, method: string, path: RegExp, action: string, resource: (name: string, where: Where) => string][] = [
  // API, stage and path, below the method
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method): typeof REST[number] => [
    'execute-api', method, /^\/([^/]+\/.*)$/, 'execute-api:Invoke',
    (path, where) => arn('execute-api', '')(path.replace(/^([^/]+\/[^/]+)/, `$1/${method}`), where),
  ]),
  ['sagemaker', 'POST', /^\/endpoints\/([^/]+)\/invocations/, 'sagemaker:InvokeEndpoint', sagemaker('endpoint')],
  ['lambda', 'POST', /^\/2015-03-31\/functions\/([^/]+)\/invocations/, 'lambda:InvokeFunction', arn('lambda', 'function:')],
  ['lambda', 'PUT', /^\/2015-03-31\/functions\/([^/]+)\/code/, 'lambda:UpdateFunctionCode', arn('lambda', 'function:')],
  ['lambda', 'PUT', /^\/2015-03-31\/functions\/([^/]+)\/configuration/, 'lambda:UpdateFunctionConfiguration', arn('lambda', 'function:')],
  ['lambda', 'DELETE', /^\/2015-03-31\/functions\/([^/]+)$/, 'lambda:DeleteFunction', arn('lambda', 'function:')],
  ['lambda', 'PUT', /^\/2017-10-31\/functions\/([^/]+)\/concurrency/, 'lambda:PutFunctionConcurrency', arn('lambda', 'function:')],
  ['scheduler', 'DELETE', /^\/schedules\/([^/]+)/, 'scheduler:DeleteSchedule', arn('scheduler', 'schedule/default/')],
  ['scheduler', 'PUT', /^\/schedules\/([^/]+)/, 'scheduler:UpdateSchedule', arn('scheduler', 'schedule/default/')],
];

/** What IAM decides about for a call. */
export function iamRequests(call: Call, where: Where): IamRequest[] {
  if (call.service === 's3') return s3Requests(call, where);
  if (call.service === 'lambda' && isUrlCall(call)) return urlRequests(call, where);
  for (const [service, method, path, action, resource] of REST) {
    const match = service === call.service && method === call.method ? path.exec(call.path.split('?')[0]) : null;
    if (match) return [{ action, resource: resource(decodeURIComponent(match[1]), where) }];
  }
  const service = SERVICES[call.service];
  if (!service || call.operation.includes(' ')) throw new Unsupported(`an IAM decision about ${call.service} ${call.operation}`);
  const prefix = service.prefix ?? call.service;
  if (call.operation.startsWith('Transact') || (call.operation.startsWith('Batch') && call.service !== 'ecr')) return itemRequests(call, prefix, where);
  const action = `${prefix}:${call.operation}`;
  const special = SPECIAL[action];
  if (special) return special(call.input, where).map((request) => ({ action, ...request }));
  const found = Object.entries(service.members).flatMap(([member, resource]) =>
    [call.input[member]].flat().filter((value) => typeof value === 'string').map((value) => ({ action, resource: resource(value, where) })));
  // CreateX and UpdateX of one thing may name another: IAM asks for each. A call that names nothing is about everything.
  return found.length > 0 ? found : [{ action, resource: '*' }];
}

/** A function URL asks for two actions: for the URL, and for the function by way of it. */
function urlRequests(call: Call, where: Where): IamRequest[] {
  const resource = arn('lambda', 'function:')(calledFunction(call), where);
  return [
    { action: 'lambda:InvokeFunctionUrl', resource, context: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } },
    { action: 'lambda:InvokeFunction', resource, context: { 'lambda:InvokedViaFunctionUrl': 'true' } },
  ];
}

/** DynamoDB's transactions and batches are decided item by item; other batches by what they name. */
function itemRequests(call: Call, prefix: string, where: Where): IamRequest[] {
  if (call.service !== 'dynamodb') return [{ action: `${prefix}:${call.operation}`, resource: '*' }];
  const table = (name: Json | undefined): string => arn('dynamodb', 'table/')(String(name), where);
  const items = (call.input.TransactItems ?? []) as Record<string, JsonObject>[];
  if (items.length > 0) {
    const actions: Record<string, string> = { ConditionCheck: 'ConditionCheckItem', Put: 'PutItem', Update: 'UpdateItem', Delete: 'DeleteItem', Get: 'GetItem' };
    return items.flatMap((item) => Object.entries(item).map(([kind, { TableName }]) => ({ action: `dynamodb:${actions[kind]}`, resource: table(TableName) })));
  }
  return Object.keys((call.input.RequestItems ?? {}) as JsonObject).map((name) => ({ action: `dynamodb:${call.operation}`, resource: table(name) }));
}

function s3Requests(call: Call, { partition }: Where): IamRequest[] {
  const url = new URL(call.path, 'http://s3');
  const [bucket, ...rest] = decodeURIComponent(url.pathname).slice(1).split('/');
  const key = rest.join('/');
  const resource = `arn:${partition}:s3:::${bucket}${key === '' ? '' : `/${key}`}`;
  const asked = (name: string): boolean => url.searchParams.has(name);
  if (key === '') {
    const context = { 's3:prefix': url.searchParams.get('prefix') ?? '' };
    return [{ action: bucketAction(call.method, asked), resource: bucket === '' ? '*' : resource, context }];
  }
  const version = asked('versionId') ? 'Version' : '';
  if (asked('tagging')) return [{ action: `s3:${call.method === 'GET' ? 'Get' : call.method === 'PUT' ? 'Put' : 'Delete'}ObjectTagging`, resource }];
  if (call.method === 'GET' || call.method === 'HEAD') return [{ action: `s3:GetObject${version}`, resource }];
  if (call.method === 'DELETE') return [{ action: asked('uploadId') ? 's3:AbortMultipartUpload' : `s3:DeleteObject${version}`, resource }];
  const source = call.headers['x-amz-copy-source'];
  const copied = source ? [{ action: 's3:GetObject', resource: `arn:${partition}:s3:::${decodeURIComponent(source).replace(/^\//, '')}` }] : [];
  return [{ action: 's3:PutObject', resource }, ...copied];
}

function bucketAction(method: string, asked: (name: string) => boolean): string {
  const parts: Record<string, string> = {
    policy: 'BucketPolicy',
    versioning: 'BucketVersioning',
    notification: 'BucketNotification',
    lifecycle: 'LifecycleConfiguration',
    encryption: 'EncryptionConfiguration',
    acl: 'BucketAcl',
    tagging: 'BucketTagging',
    publicAccessBlock: 'BucketPublicAccessBlock',
  };
  const part = Object.keys(parts).find(asked);
  if (part !== undefined) return `s3:${method === 'GET' ? 'Get' : method === 'PUT' ? 'Put' : 'Delete'}${parts[part]}`;
  if (method === 'POST' && asked('delete')) throw new Unsupported('an IAM decision about DeleteObjects; delete objects one by one');
  if (method === 'GET') return asked('versions') ? 's3:ListBucketVersions' : 's3:ListBucket';
  return { HEAD: 's3:ListBucket', PUT: 's3:CreateBucket', DELETE: 's3:DeleteBucket' }[method] ?? `s3:${method}`;
}
