import { Deployed, WHERE } from './apps';
import { Ask, Principal } from './decide';
import { Declared } from './names';
import { endpointsOf, service, unbound } from './personas';

/** A question about somebody who is none of the personas. */
export interface StrangersQuestion {
  readonly say: string;
  readonly principal: Principal;
  readonly ask: Ask;
  readonly expected: boolean;
}

interface Logging {
  readonly DestinationBucketName?: string;
  readonly LogFilePrefix?: string;
}

const OTHER = '999999999999';
/** Services that work for whoever names a role, and say for which account. */
const DEPUTIES = ['sagemaker', 'firehose', 'apigateway'];

/** Services that act for another account, people without a second factor, and people with keys of another account. */
export function strangersQuestions(deployed: Deployed): StrangersQuestion[] {
  const { policies: { declared }, secondFactor } = deployed;
  const questions: StrangersQuestion[] = [];
  const both = (say: string, name: string, own: Ask, others: Ask = own): void => {
    questions.push({ say: `${say} of this account`, principal: service(name, WHERE.account), ask: own, expected: true });
    questions.push({ say: `${say} of another account`, principal: service(name, OTHER), ask: others, expected: false });
  };
  for (const { type, arn, name, properties, logicalId } of declared) {
    // the role that API Gateway writes logs with is one for all APIs of the account
    if (type === 'AWS::IAM::Role' && !logicalId.includes('ApiLogging')) {
      const assume = { action: 'sts:AssumeRole', resource: arn };
      for (const deputy of DEPUTIES.filter((one) => JSON.stringify(properties.AssumeRolePolicyDocument).includes(`${one}.amazonaws.com`))) {
        both('a service takes its role for something', deputy, assume);
      }
    }
    if (type === 'AWS::S3::Bucket' && logicalId.includes('TrailBucket')) {
      const ask: Ask = {
        action: 's3:PutObject',
        resource: `${arn}/AWSLogs/${WHERE.account}/x`,
        context: { 's3:x-amz-acl': 'bucket-owner-full-control', 'aws:SourceArn': `arn:aws:cloudtrail:${WHERE.region}:${WHERE.account}:trail/x` },
      };
      const trail = service('cloudtrail', WHERE.account);
      questions.push({ say: 'the trail is written', principal: trail, ask, expected: true });
      const given = { ...ask, context: { ...ask.context, 's3:x-amz-acl': 'public-read' } };
      questions.push({ say: 'the trail is written for everybody', principal: trail, ask: given, expected: false });
    }
    if (type === 'AWS::S3::Bucket' && logicalId.includes('AccessLogs')) {
      const logging = declared.map((one) => one.properties.LoggingConfiguration as Logging | undefined);
      for (const logged of logging.filter((some) => some?.DestinationBucketName === name)) {
        both('S3 writes access logs', 'logging.s3', { action: 's3:PutObject', resource: `${arn}/${logged?.LogFilePrefix ?? ''}2026` });
      }
    }
    if (type === 'AWS::KMS::Key') {
      const logs = (account: string): Ask => ({
        action: 'kms:Encrypt', resource: arn, context: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${WHERE.region}:${account}:log-group:x` },
      });
      if (/^MlopsKey/.test(logicalId)) both('the trail is encrypted', 'cloudtrail', trailOf(WHERE.account, arn), trailOf(OTHER, arn));
      both('logs are encrypted', `logs.${WHERE.region}`, logs(WHERE.account), logs(OTHER));
    }
    if (type === 'AWS::SQS::Queue') {
      const lost = (account: string): Ask => ({
        action: 'sqs:SendMessage', resource: arn, context: { 'aws:SourceArn': `arn:aws:events:${WHERE.region}:${account}:rule/x` },
      });
      both('events that could not be delivered are kept', 'events', lost(WHERE.account), lost(OTHER));
      const say = 'a service other than a rule writes to the queue of lost events';
      const ask = { ...lost(WHERE.account), context: { 'aws:SourceArn': `arn:aws:pipes:${WHERE.region}:${WHERE.account}:pipe/x` } };
      questions.push({ say, principal: service('events', WHERE.account), ask, expected: false });
      questions.push({ say: `${say} for another account`, principal: service('events', OTHER), ask: lost(WHERE.account), expected: false });
    }
    if (type === 'AWS::SNS::Topic') both('alarms are told', 'cloudwatch', { action: 'sns:Publish', resource: arn });
  }
  if (secondFactor) questions.push(...takingRoles(declared));
  return [...questions, ...emergencies(declared), ...withOtherKeys(declared), ...retention(deployed)];
}

function trailOf(account: string, key: string): Ask {
  return { action: 'kms:GenerateDataKey', resource: key, context: { 'aws:SourceArn': `arn:aws:cloudtrail:${WHERE.region}:${account}:trail/x` } };
}

/** What ada shows who takes a role, under a name that she may have chosen. */
const shown = (name: string, secondFactor: string) =>
  ({ 'aws:username': 'ada', 'sts:RoleSessionName': name, 'aws:MultiFactorAuthPresent': secondFactor });

/** Roles of people are for those who sign in with a second factor, and under their own name, unless an app says otherwise. */
function takingRoles(declared: readonly Declared[]): StrangersQuestion[] {
  const ways: [string, string, string, boolean][] = [
    ['with a second factor', 'ada', 'true', true], ['without a second factor', 'ada', 'false', false], ['under another name', 'ada2', 'true', false],
  ];
  return declared.filter(({ type, logicalId }) => type === 'AWS::IAM::Role' && /^Mlops(Engineer|Scientist|Approver|Operator)Role/.test(logicalId))
    .flatMap(({ arn }) => ways.map(([way, name, secondFactor, expected]) => ({
      say: `a persona’s role is taken ${way}`,
      principal: unbound(),
      expected,
      ask: { action: 'sts:AssumeRole', resource: arn, context: shown(name, secondFactor) },
    })));
}

/** The role for emergencies is for those who have just shown a second factor. */
function emergencies(declared: readonly Declared[]): StrangersQuestion[] {
  const factors: [string, string, string, string, boolean][] = [
    ['shown just now', 'ada', 'true', '60', true],
    ['shown an hour ago', 'ada', 'true', '3600', false],
    ['not shown', 'ada', 'false', '60', false],
    ['shown just now, under another name', 'bob', 'true', '60', false],
  ];
  return declared.filter(({ type, logicalId }) => type === 'AWS::IAM::Role' && logicalId.startsWith('MlopsBreakGlassRole')).flatMap(({ arn }) =>
    factors.map(([factor, name, present, age, expected]) => ({
      say: `the role for emergencies is taken, a second factor was ${factor}`,
      principal: unbound(),
      ask: { action: 'sts:AssumeRole', resource: arn, context: { ...shown(name, present), 'aws:MultiFactorAuthAge': age } },
      expected,
    })));
}

/** Out of a notebook's network, with keys of another account: the way that data would leave by. */
function withOtherKeys(declared: readonly Declared[]): StrangersQuestion[] {
  const endpoints = endpointsOf(declared);
  const resources: Record<string, [action: string, own: string, others: string]> = {
    sts: ['sts:GetServiceBearerToken', '*', '*'],
    codeartifact: ['codeartifact:ReadFromRepository', `arn:aws:codeartifact:${WHERE.region}:${WHERE.account}:repository/x/x`, `arn:aws:codeartifact:${WHERE.region}:${OTHER}:repository/x/x`],
    s3: ['s3:PutObject', 'arn:aws:s3:::payroll/copy', 'arn:aws:s3:::another-account/copy'],
    sagemaker: ['sagemaker:CreateModel', `arn:aws:sagemaker:${WHERE.region}:${WHERE.account}:model/x`, `arn:aws:sagemaker:${WHERE.region}:${OTHER}:model/x`],
    logs: ['logs:PutLogEvents', `arn:aws:logs:${WHERE.region}:${WHERE.account}:log-group:x`, `arn:aws:logs:${WHERE.region}:${OTHER}:log-group:x`],
    codecommit: ['codecommit:GitPush', `arn:aws:codecommit:${WHERE.region}:${WHERE.account}:x`, `arn:aws:codecommit:${WHERE.region}:${OTHER}:x`],
  };
  return Object.entries(resources).filter(([name]) => endpoints.has(name)).flatMap(([, [action, own, others]]) => [
    { say: 'what is the account’s is reached from a notebook', principal: { ...unbound(), endpoints }, ask: { action, resource: own }, expected: true },
    // packages are read by a token, whose endpoint cannot tell whose they are
    ...['sts', 'codeartifact'].includes(action.split(':')[0]) ? [] : [{
      say: 'what is another account’s is reached from a notebook', principal: { ...unbound(), endpoints }, ask: { action, resource: others }, expected: false,
    }],
    { say: 'a notebook’s network is used with another account’s keys', principal: { ...unbound(OTHER), endpoints }, ask: { action, resource: others }, expected: false },
  ]);
}

/** What keeps few versions of a model removes the others. */
function retention({ policies }: Deployed): StrangersQuestion[] {
  const models = [...new Set(policies.declared.map(({ model }) => model))].filter((model) => model > 0);
  return models.flatMap((model) => {
    const own = policies.declared.filter((one) => one.model === model);
    const of = (kind: string, id: RegExp): Declared | undefined => own.find(({ type, logicalId }) => type === kind && id.test(logicalId));
    const artifacts = of('AWS::S3::Bucket', /^RegistryArtifacts/);
    const images = of('AWS::ECR::Repository', /^RegistryImages/);
    const ofArtifacts = of('AWS::IAM::Role', /^CommonReleaseRole/);
    const ofImages = of('AWS::IAM::Role', /^CommonWorkflowRole/);
    if (artifacts === undefined || images === undefined || ofArtifacts === undefined || ofImages === undefined) return [];
    const say = 'what keeps few versions removes another’s';
    return [
      { say: `${say} artifacts`, principal: policies.principal(ofArtifacts), ask: { action: 's3:DeleteObject', resource: `${artifacts.arn}/training/run/model.tar.gz` }, expected: true },
      { say: `${say} image`, principal: policies.principal(ofImages), ask: { action: 'ecr:BatchDeleteImage', resource: images.arn }, expected: true },
    ];
  });
}
