import { App, NestedStack, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as codecommit from 'aws-cdk-lib/aws-codecommit';
import { MlopsPlatform, NotebookEnvironment, NotebookRepository } from 'cdk-mlops';

const NAMES = ['ada', 'grace', 'mary', 'emmy', 'sofia', 'hypatia', 'lise', 'marie', 'rosalind', 'dorothy'];

interface Synthesized { readonly resources: Record<string, unknown>; readonly environments: NotebookEnvironment[] }

/** A platform with a notebook for each name. */
function platformWith(names: string[], studio: boolean = false): Synthesized {
  const stack = new Stack(new App(), 'Team', { env: { account: '111122223333', region: 'eu-central-1' } });
  const platform = new MlopsPlatform(stack, 'Mlops');
  const repository = NotebookRepository.codeCommit(codecommit.Repository.fromRepositoryName(stack, 'Repo', 'temperature'));
  const environments = names.map((name) => platform.addNotebookEnvironment(name, { repository, authorName: name, studioDomainId: studio ? 'd-1' : undefined }));
  const resourcesOf = (each: Stack): Record<string, unknown> => Template.fromStack(each).toJSON().Resources;
  const nested = platform.node.findAll().filter((each) => each instanceof NestedStack);
  const own = nested.map((each) => Object.entries(resourcesOf(each)).map(([id, resource]) => [`${each.node.path.replace(/[^A-Za-z0-9]/g, '').replace('Team', '')}${id}`, resource]));
  // where a nested stack's template is kept changes with it
  const parent = Object.entries(resourcesOf(stack)).filter(([, resource]) => (resource as { Type: string }).Type !== 'AWS::CloudFormation::Stack');
  return { resources: Object.fromEntries([...parent, ...own.flat()]) as Record<string, unknown>, environments };
}

interface Resource { readonly Type: string }

/**
 * Logical ids that one has and the other has not, or has otherwise. To which roles a policy that denies is attached is
 * left out: it is what the protection does to a new role, and not the others'.
 */
function differing(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
  const text = (id: string, resource: unknown) => JSON.stringify(resource, (key, value: unknown) => key === 'Roles' && /^MlopsProtectionDeny/.test(id) ? undefined : value);
  return Object.keys({ ...a, ...b }).filter((id) => text(id, a[id]) !== text(id, b[id])).sort();
}

describe.each([['notebook instances', false], ['Studio spaces', true]])('%s for a team', (_, studio) => {
  const ten = platformWith(NAMES, studio);

  test('ten are a loop, each with a name and a role of its own', () => {
    expect(new Set(ten.environments.map(({ notebookName }) => notebookName)).size).toBe(10);
    expect(new Set(ten.environments.map(({ role }) => role.node.path)).size).toBe(10);
  });

  test('the eleventh changes nothing of the ten', () => {
    const eleven = platformWith([...NAMES, 'chien'], studio);
    const changed = differing(ten.resources, eleven.resources);
    expect(changed.filter((id) => !/^Mlopschien/.test(id))).toEqual([]);
    expect(changed.length).toBeGreaterThanOrEqual(4);
  });

  test('one that goes from the middle takes nothing of the others with it, and leaves the saved files', () => {
    const nine = platformWith(NAMES.filter((name) => name !== 'emmy'), studio);
    const changed = differing(ten.resources, nine.resources);
    expect(changed.filter((id) => !/^Mlopsemmy/.test(id))).toEqual([]);
    expect(changed.map((id) => (ten.resources[id] as Resource).Type)).not.toContain('AWS::S3::Bucket');
  });
});
