import { createHash } from 'crypto';
import { Fn, Lazy, Stack } from 'aws-cdk-lib';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { NotebookSettings } from './notebook-instance';
import { startScript } from './notebook-programs';
import { allow } from '../private/allow';

/** A user profile and its private JupyterLab space in a Studio domain; gives the ARN of the profile. */
export function addStudioSpace(scope: Construct, settings: NotebookSettings, domainId: string): string {
  const stack = Stack.of(scope);
  const { name, role, idleMinutes } = settings;
  const repository = settings.repository?.bind(role);
  const script = startScript(scope, role, {
    ...settings.start,
    workbench: '"${HOME}/.local/lib/workbench"',
    start: 'start_space.sh',
    idleMinutes,
    // What takes a password is cloned by hand.
    repository: repository?.credentials === undefined ? repository?.url : undefined,
  });
  const lifecycle = new sagemaker.CfnStudioLifecycleConfig(scope, 'Lifecycle', {
    // It cannot be changed, only replaced by one of another name.
    studioLifecycleConfigName: Lazy.string({ produce: () => `${name.slice(0, 50)}-${digest(stack.resolve(script))}` }),
    studioLifecycleConfigAppType: 'JupyterLab',
    studioLifecycleConfigContent: Fn.base64(script),
  });
  const lifecycleArn = lifecycle.attrStudioLifecycleConfigArn;
  const profile = new sagemaker.CfnUserProfile(scope, 'UserProfile', {
    domainId,
    userProfileName: name,
    userSettings: {
      executionRole: role.roleArn,
      jupyterLabAppSettings: { lifecycleConfigArns: [lifecycleArn] },
    },
  });
  const space = new sagemaker.CfnSpace(scope, 'Space', {
    domainId,
    spaceName: name,
    ownershipSettings: { ownerUserProfileName: name },
    spaceSharingSettings: { sharingType: 'Private' },
    spaceSettings: {
      appType: 'JupyterLab',
      jupyterLabAppSettings: {
        defaultResourceSpec: { instanceType: settings.instanceType, lifecycleConfigArn: lifecycleArn },
        codeRepositories: repository === undefined ? undefined : [{ repositoryUrl: repository.url }],
      },
      spaceStorageSettings: { ebsStorageSettings: { ebsVolumeSizeInGb: settings.volumeSize.toGibibytes() } },
    },
  });
  space.addResourceDependency(profile);
  profile.node.addDependency(role);

  // Studio acts with the profile's role: it shows and starts what is the scientist's own.
  const arn = (resource: string, resourceName: string) => stack.formatArn({ service: 'sagemaker', resource, resourceName });
  const profileArn = arn('user-profile', `${domainId}/${name}`);
  allow(role, {
    actions: ['sagemaker:DescribeDomain', 'sagemaker:DescribeSpace', 'sagemaker:DescribeUserProfile'],
    resources: [arn('domain', domainId), arn('space', `${domainId}/${name}`), profileArn],
  });
  allow(role, {
    actions: ['sagemaker:CreateApp', 'sagemaker:DeleteApp', 'sagemaker:DescribeApp'],
    resources: [arn('app', `${domainId}/${name}/jupyterlab/*`), arn('app', `${domainId}/${name}/JupyterLab/*`)],
    because: 'The application of the own space, under whatever name Studio gives it.',
  });
  allow(role, {
    actions: ['sagemaker:ListApps', 'sagemaker:ListSpaces'],
    resources: ['*'],
    because: 'Studio lists spaces and applications to show the own ones; lists name no resource.',
  });
  return profileArn;
}

function digest(script: unknown): string {
  return createHash('sha256').update(JSON.stringify(script)).digest('hex').slice(0, 8);
}
