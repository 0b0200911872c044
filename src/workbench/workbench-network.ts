import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, DependencyGroup, IConstruct, IDependable } from 'constructs';
import { bucketPolicy, endpointPolicy } from './endpoint-policy';
import { missingEndpoints } from './missing-endpoints';
import { Problems } from '../private/problems';

/** Where notebooks run. */
export interface IWorkbenchNetwork extends IConstruct {
  /** The network. */
  readonly vpc: ec2.IVpc;

  /** Subnets of the notebooks. */
  readonly subnets: ec2.ISubnet[];

  /** What the notebooks may talk to. */
  readonly securityGroup: ec2.ISecurityGroup;

  /**
   * Makes an AWS service reachable from the notebooks, once, whoever asks.
   *
   * @param service the service that is called from inside
   * @returns what must be there before the service is called
   */
  reach(service: ec2.InterfaceVpcEndpointAwsService): IDependable;
}

/** Properties of `WorkbenchNetwork`. */
export interface WorkbenchNetworkProps {
  /**
   * Number of availability zones. Each costs an address of every endpoint.
   *
   * @default 1
   */
  readonly zones?: number;

  /**
   * Addresses of the network.
   *
   * @default '10.71.0.0/20'
   */
  readonly cidr?: string;

  /**
   * Key of the flow logs. It must let CloudWatch Logs use it.
   *
   * @default - CloudWatch Logs' own
   */
  readonly encryptionKey?: kms.IKey;
}

/** A network that exists. */
export interface WorkbenchNetworkAttributes {
  /** The network. */
  readonly vpc: ec2.IVpc;

  /** Subnets of the notebooks. */
  readonly subnets: ec2.ISubnet[];

  /** Security group of the notebooks. */
  readonly securityGroup: ec2.ISecurityGroup;

  /**
   * Services that the subnets reach through interface endpoints with private DNS.
   *
   * @default - none: each service that something inside calls is an error at synth, which names them all
   */
  readonly endpoints?: ec2.InterfaceVpcEndpointAwsService[];

  /**
   * Whether the subnets reach S3 through a gateway endpoint.
   *
   * @default false
   */
  readonly s3Gateway?: boolean;

  /**
   * Whether the subnets have a way to the internet, for example through a NAT gateway, and reach every service by it.
   *
   * @default false
   */
  readonly internetAccess?: boolean;
}

/**
 * A network without a way to the internet: isolated subnets, a gateway to the account's buckets, and an endpoint for
 * each AWS service that something inside asks for.
 *
 * @see https://docs.aws.amazon.com/sagemaker/latest/dg/notebook-interface-endpoint.html
 *
 * @example
 * const network = new WorkbenchNetwork(this, 'Network');
 * network.reach(ec2.InterfaceVpcEndpointAwsService.ATHENA);
 */
export class WorkbenchNetwork extends Construct implements IWorkbenchNetwork {
  /**
   * A network made elsewhere. Nothing is added to it: what something inside calls and the network does not reach is an
   * error at synth.
   */
  public static fromWorkbenchNetworkAttributes(scope: Construct, id: string, attributes: WorkbenchNetworkAttributes): IWorkbenchNetwork {
    class Imported extends Construct implements IWorkbenchNetwork {
      public readonly vpc = attributes.vpc;
      public readonly subnets = attributes.subnets;
      public readonly securityGroup = attributes.securityGroup;
      private readonly called = new Set<string>();

      public reach(service: ec2.InterfaceVpcEndpointAwsService): IDependable {
        if (this.called.size === 0) this.node.addValidation({ validate: () => missingEndpoints(this.called, attributes) });
        this.called.add(service.shortName);
        return new DependencyGroup();
      }
    }
    return new Imported(scope, id);
  }

  public readonly vpc: ec2.IVpc;
  public readonly subnets: ec2.ISubnet[];
  public readonly securityGroup: ec2.ISecurityGroup;
  private readonly reached = new Map<string, ec2.InterfaceVpcEndpoint>();

  constructor(scope: Construct, id: string, props: WorkbenchNetworkProps = {}) {
    super(scope, id);
    const zones = props.zones ?? 1;
    new Problems(this).check(Number.isInteger(zones) && zones >= 1 && zones <= 3, `zones must be 1, 2 or 3, got ${zones}`).throwIfAny();

    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr(props.cidr ?? '10.71.0.0/20'),
      maxAzs: zones,
      natGateways: 0,
      subnetConfiguration: [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
      // Nothing uses the default group; closing it would take a custom resource.
      restrictDefaultSecurityGroup: false,
    });
    Validations.of(vpc.node.defaultChild!).acknowledge({
      id: 'NIST.800.53.R5::NIST.800.53.R5-VPCDefaultSecurityGroupClosed',
      reason: 'Nothing is in the default group, which lets in its own members only; closing it takes a function that may change every security group',
    });
    this.vpc = vpc;
    this.subnets = vpc.isolatedSubnets;
    vpc.addFlowLog('FlowLog', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(new logs.LogGroup(this, 'FlowLogs', {
        encryptionKey: props.encryptionKey, retention: logs.RetentionDays.THREE_MONTHS, removalPolicy: RemovalPolicy.DESTROY,
      })),
    });

    this.securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Notebooks: HTTPS to endpoints', allowAllOutbound: false });
    this.securityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), 'Endpoints; there is no route further');

    const buckets = vpc.addGatewayEndpoint('Buckets', { service: ec2.GatewayVpcEndpointAwsService.S3 });
    buckets.addToPolicy(bucketPolicy(this));
  }

  public reach(service: ec2.InterfaceVpcEndpointAwsService): IDependable {
    const existing = this.reached.get(service.shortName);
    if (existing !== undefined) return existing;
    const endpoints = this.node.tryFindChild('Endpoints') ?? new Construct(this, 'Endpoints');
    const endpoint = new ec2.InterfaceVpcEndpoint(endpoints as Construct, pascal(service.shortName), {
      vpc: this.vpc,
      service,
      subnets: { subnets: this.subnets },
      securityGroups: [this.endpointSecurityGroup()],
      privateDnsEnabled: true,
      open: false,
    });
    endpoint.addToPolicy(endpointPolicy(this, service));
    this.reached.set(service.shortName, endpoint);
    return endpoint;
  }

  private endpointSecurityGroup(): ec2.ISecurityGroup {
    const existing = this.node.tryFindChild('EndpointSecurityGroup');
    if (existing !== undefined) return existing as ec2.SecurityGroup;
    const group = new ec2.SecurityGroup(this, 'EndpointSecurityGroup', { vpc: this.vpc, description: 'Endpoints of the workbench', allowAllOutbound: false });
    group.addIngressRule(this.securityGroup, ec2.Port.tcp(443), 'Notebooks');
    return group;
  }
}

function pascal(name: string): string {
  return name.split(/[^A-Za-z0-9]+/).map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
