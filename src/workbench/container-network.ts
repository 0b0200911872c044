import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { IWorkbenchNetwork } from './workbench-network';
import { VpcConfig } from '../domain/vpc-config';
import { allow } from '../private/allow';

/** A network as SageMaker's requests have it; none where there is none. */
export function vpcConfigOf(network?: IWorkbenchNetwork): VpcConfig | undefined {
  if (network === undefined) return undefined;
  return { Subnets: network.subnets.map(({ subnetId }) => subnetId), SecurityGroupIds: [network.securityGroup.securityGroupId] };
}

/** Lets SageMaker put jobs and models that work as a role into a network, in the name of the role. */
export function allowNetwork(role: iam.IRole, network: IWorkbenchNetwork): void {
  const stack = Stack.of(role);
  const arn = (resource: string, resourceName: string) => stack.formatArn({ service: 'ec2', resource, resourceName });
  const subnets = network.subnets.map(({ subnetId }) => arn('subnet', subnetId));
  const interfaces = arn('network-interface', '*');
  const because = 'SageMaker makes network interfaces with ids that it draws; they are limited to the subnets';
  allow(role, {
    actions: ['ec2:CreateNetworkInterface'],
    resources: [...subnets, arn('security-group', network.securityGroup.securityGroupId), interfaces],
    because,
  });
  allow(role, {
    actions: ['ec2:CreateNetworkInterfacePermission', 'ec2:DeleteNetworkInterface', 'ec2:DeleteNetworkInterfacePermission'],
    resources: [interfaces],
    conditions: { ArnEquals: { 'ec2:Subnet': subnets } },
    because,
  });
  allow(role, {
    actions: ['ec2:DescribeDhcpOptions', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSecurityGroups', 'ec2:DescribeSubnets', 'ec2:DescribeVpcs'],
    resources: ['*'],
    because: 'EC2 describes networks without naming a resource',
  });
}
