import { physicalName } from './names';
import { Cloud, Deployed, Provisioner, Resource, StandIn } from './types';

type Attributes = (resource: Resource, name: string, cloud: Cloud) => { ref?: string; attributes?: Record<string, string> };

const arn = (cloud: Cloud, service: string, rest: string, regional = true): string =>
  `arn:${cloud.partition}:${service}:${regional ? cloud.region : ''}:${cloud.account}:${rest}`;
const text = (resource: Resource, member: string, otherwise: string): string => {
  const value = resource.properties[member];
  return typeof value === 'string' ? value : otherwise;
};
const plain: Attributes = () => ({});
const id = (prefix: string): Attributes => (_, name) => ({ ref: `${prefix}-${name.slice(-10)}` });

/** Types that have nothing to run on one machine. They get names and ARNs; policies are kept for the evaluator. */
const DECLARED: Record<string, Attributes> = {
  'AWS::CDK::Metadata': plain,
  'AWS::IAM::Role': (resource, generated, cloud) => {
    const name = text(resource, 'RoleName', generated);
    const path = text(resource, 'Path', '/');
    return { ref: name, attributes: { Arn: arn(cloud, 'iam', `role${path}${name}`, false), RoleId: `AROA${name.slice(-10).toUpperCase()}` } };
  },
  'AWS::IAM::Policy': plain,
  'AWS::IAM::ManagedPolicy': (resource, generated, cloud) => {
    const policy = arn(cloud, 'iam', `policy${text(resource, 'Path', '/')}${text(resource, 'ManagedPolicyName', generated)}`, false);
    return { ref: policy, attributes: { PolicyArn: policy } };
  },
  'AWS::IAM::InstanceProfile': (resource, generated, cloud) => {
    const name = text(resource, 'InstanceProfileName', generated);
    return { ref: name, attributes: { Arn: arn(cloud, 'iam', `instance-profile/${name}`, false) } };
  },
  'AWS::Logs::LogGroup': (resource, generated, cloud) => {
    const name = text(resource, 'LogGroupName', generated);
    return { ref: name, attributes: { Arn: arn(cloud, 'logs', `log-group:${name}:*`) } };
  },
  'AWS::Logs::LogStream': plain,
  'AWS::Logs::ResourcePolicy': plain,
  'AWS::CloudWatch::Dashboard': (resource, generated) => ({ ref: text(resource, 'DashboardName', generated) }),
  'AWS::S3::BucketPolicy': plain,
  'AWS::SQS::QueuePolicy': plain,
  'AWS::SNS::TopicPolicy': plain,
  'AWS::EC2::VPC': (resource, generated, cloud) => ({
    ref: `vpc-${generated.slice(-10)}`,
    attributes: {
      VpcId: `vpc-${generated.slice(-10)}`,
      CidrBlock: text(resource, 'CidrBlock', '10.0.0.0/16'),
      DefaultSecurityGroup: `sg-${generated.slice(-10)}`,
      DefaultNetworkAcl: `acl-${generated.slice(-10)}`,
      VpcArn: arn(cloud, 'ec2', `vpc/vpc-${generated.slice(-10)}`),
    },
  }),
  'AWS::EC2::Subnet': (_, generated, cloud) => ({
    ref: `subnet-${generated.slice(-10)}`, attributes: { AvailabilityZone: `${cloud.region}a`, SubnetId: `subnet-${generated.slice(-10)}` },
  }),
  'AWS::EC2::SecurityGroup': (_, generated) => ({ ref: `sg-${generated.slice(-10)}`, attributes: { GroupId: `sg-${generated.slice(-10)}` } }),
  'Custom::VpcRestrictDefaultSG': plain,
  'AWS::EC2::SecurityGroupIngress': plain,
  'AWS::EC2::SecurityGroupEgress': plain,
  'AWS::EC2::RouteTable': (_, generated) => ({ ref: `rtb-${generated.slice(-10)}`, attributes: { RouteTableId: `rtb-${generated.slice(-10)}` } }),
  'AWS::EC2::SubnetRouteTableAssociation': id('rtbassoc'),
  'AWS::EC2::Route': plain,
  'AWS::EC2::InternetGateway': id('igw'),
  'AWS::EC2::VPCGatewayAttachment': plain,
  'AWS::EC2::VPCEndpoint': id('vpce'),
  'AWS::EC2::FlowLog': id('fl'),
  'AWS::EC2::NatGateway': id('nat'),
  'AWS::EC2::EIP': (_, generated) => ({ ref: '192.0.2.1', attributes: { AllocationId: `eipalloc-${generated.slice(-10)}` } }),
  'AWS::SageMaker::NotebookInstance': (resource, generated, cloud) => {
    const name = text(resource, 'NotebookInstanceName', generated);
    return { ref: arn(cloud, 'sagemaker', `notebook-instance/${name}`), attributes: { NotebookInstanceName: name } };
  },
  'AWS::SageMaker::NotebookInstanceLifecycleConfig': (resource, generated, cloud) => {
    const name = text(resource, 'NotebookInstanceLifecycleConfigName', generated);
    return { ref: arn(cloud, 'sagemaker', `notebook-instance-lifecycle-config/${name}`), attributes: { NotebookInstanceLifecycleConfigName: name } };
  },
  'AWS::SageMaker::CodeRepository': (resource, generated) => {
    const name = text(resource, 'CodeRepositoryName', generated);
    return { ref: name, attributes: { CodeRepositoryName: name } };
  },
  'AWS::SageMaker::UserProfile': (resource, generated, cloud) => {
    const name = text(resource, 'UserProfileName', generated);
    return { ref: name, attributes: { UserProfileArn: arn(cloud, 'sagemaker', `user-profile/${text(resource, 'DomainId', '')}/${name}`) } };
  },
  'AWS::SageMaker::Space': (resource, generated, cloud) => {
    const name = text(resource, 'SpaceName', generated);
    return { ref: name, attributes: { SpaceArn: arn(cloud, 'sagemaker', `space/${text(resource, 'DomainId', '')}/${name}`) } };
  },
  'AWS::CloudTrail::Trail': (resource, generated, cloud) => {
    const name = text(resource, 'TrailName', generated);
    return { ref: name, attributes: { Arn: arn(cloud, 'cloudtrail', `trail/${name}`) } };
  },
};

/** The provisioner of what is only declared: those of the types above that no other stand-in makes. */
export class Declared implements StandIn {
  readonly provisioners: Provisioner[];
  private readonly used = new Set<string>();

  constructor(elsewhere: ReadonlySet<string>) {
    const types = Object.keys(DECLARED).filter((type) => !elsewhere.has(type));
    this.provisioners = [{ types, create: (resource, cloud) => this.declare(resource, cloud), delete: async () => undefined }];
  }

  get describes() {
    const types = [...this.used].sort().map((type) => type.replace('AWS::', '')).join(', ');
    return types === '' ? [] : [{ service: `declared only: ${types}`, by: 'nothing runs; names, ARNs, and policies for the policy evaluator' }];
  }

  private async declare(resource: Resource, cloud: Cloud): Promise<Deployed> {
    this.used.add(resource.type);
    const name = physicalName(resource);
    const { ref, attributes } = DECLARED[resource.type](resource, name, cloud);
    return { ref: ref ?? name, attributes: attributes ?? {} };
  }
}
