import { ArnFormat, Fn, Size, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sagemaker from 'aws-cdk-lib/aws-sagemaker';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, IDependable } from 'constructs';
import { StartSettings, startScript } from './notebook-programs';
import { NotebookRepository } from './notebook-repository';
import { IPackageRepository } from './package-repository';
import { IWorkbenchNetwork } from './workbench-network';
import { allow } from '../private/allow';

/** A notebook as both kinds of it are made. */
export interface NotebookSettings {
  readonly name: string;
  readonly role: iam.Role;
  readonly instanceType: string;
  readonly volumeSize: Size;
  readonly idleMinutes: number;
  readonly repository?: NotebookRepository;
  readonly packages?: IPackageRepository;
  /** What the script at the start is told, whichever kind it is. */
  readonly start: Pick<StartSettings, 'authorName' | 'authorEmail' | 'datasets' | 'queries' | 'savedFiles' | 'packages'>;
}

/** A notebook instance; gives its ARN, and the secret by which git signs in. */
export function addNotebookInstance(
  scope: Construct, settings: NotebookSettings, network: IWorkbenchNetwork, key: kms.IKey,
): { readonly arn: string; readonly credentials?: secretsmanager.ISecret } {
  const stack = Stack.of(scope);
  const { name, role, packages } = settings;
  const needed: IDependable[] = [network.vpc];
  const reach = (service: ec2.InterfaceVpcEndpointAwsService) => needed.push(network.reach(service));
  reach(ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API);
  reach(ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS);
  if (packages !== undefined) {
    reach(ec2.InterfaceVpcEndpointAwsService.CODEARTIFACT_API);
    reach(ec2.InterfaceVpcEndpointAwsService.CODEARTIFACT_REPOSITORIES);
  }
  if (settings.start.queries !== undefined) reach(ec2.InterfaceVpcEndpointAwsService.ATHENA);
  const repository = settings.repository?.bind(role, network);
  if (repository?.dependency !== undefined) needed.push(repository.dependency);

  // To stop itself when it is idle.
  const arn = stack.formatArn({ service: 'sagemaker', resource: 'notebook-instance', resourceName: name });
  allow(role, { actions: ['sagemaker:DescribeNotebookInstance', 'sagemaker:StopNotebookInstance'], resources: [arn] });
  allow(role, {
    actions: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents'],
    resources: [stack.formatArn({
      service: 'logs', resource: 'log-group', resourceName: '/aws/sagemaker/NotebookInstances*', arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    })],
    because: 'SageMaker keeps the logs of all notebook instances in one group, in streams that it names.',
  });

  const script = startScript(scope, role, {
    ...settings.start, workbench: '/usr/local/lib/workbench', start: 'start_instance.sh', idleMinutes: settings.idleMinutes,
  });
  const lifecycle = new sagemaker.CfnNotebookInstanceLifecycleConfig(scope, 'Lifecycle', { onStart: [{ content: Fn.base64(script) }] });
  const association = repository === undefined ? undefined : new sagemaker.CfnCodeRepository(scope, 'Repository', {
    gitConfig: { repositoryUrl: repository.url, secretArn: repository.credentials?.secretArn },
  });
  const instance = new sagemaker.CfnNotebookInstance(scope, 'Resource', {
    notebookInstanceName: name,
    instanceType: settings.instanceType,
    platformIdentifier: 'notebook-al2023-v1',
    instanceMetadataServiceConfiguration: { minimumInstanceMetadataServiceVersion: '2' },
    rootAccess: 'Disabled',
    directInternetAccess: 'Disabled',
    subnetId: network.subnets[0].subnetId,
    securityGroupIds: [network.securityGroup.securityGroupId],
    kmsKeyId: key.keyArn,
    volumeSizeInGb: settings.volumeSize.toGibibytes(),
    roleArn: role.roleArn,
    lifecycleConfigName: lifecycle.attrNotebookInstanceLifecycleConfigName,
    defaultCodeRepository: association?.attrCodeRepositoryName,
  });
  // The first start signs in, fetches programs and clones: permissions and the ways there must exist, and no more than these,
  // so that what another notebook needs changes nothing here.
  instance.node.addDependency(role, ...needed);
  return { arn, credentials: repository?.credentials };
}
