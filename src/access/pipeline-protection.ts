import { ArnFormat, Aws, CfnElement, Stack, Tags, Token, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct, IConstruct } from 'constructs';
import { boundaryStatements } from './boundary-statements';
import { DenyPolicy, DenyPolicyProps, estimatedLength, POLICY_LIMIT } from './deny-policy';
import { DenyScope, denyStatements, merged, packed } from './deny-statements';
import { PipelineProtectionProps } from './pipeline-protection-props';
import { PROTECTED_ACTIONS, ProtectionReach } from './protected-actions';
import { ResourceLocks } from './resource-locks';
import { DEPLOYERS, serviceControlPolicies } from './service-control-policies';
import { TamperAlerts } from './tamper-alerts';
import { Problems } from '../private/problems';
import { NOTEBOOK_ROLES } from '../private/role-path';
import { rootOf } from '../private/root-stack';
import { distrust, trust } from '../private/trusted';
import { STARTABLE_TAG } from '../private/trusted-tag';
import { IModelEndpoint } from '../serving/model-endpoint';
import { IObservationStore } from '../serving/observation-store';

/** So many buckets fit into the policies for listed resources: those of about 45 models. More are denied by their own policies alone, see `locks`. */
const MOST_LISTED = 100;
/** Policies for what is denied on listed resources: a role takes ten. */
const LISTED_PARTS = 3;
/** Workflows that may be started by hand and are listed one by one. */
const MOST_STARTABLE = 5;
/** Buckets that the watch over calls can hold one by one. */
const MOST_WATCHED = 6;
/** Buckets of the CDK, from which code is deployed. */
const CDK_ASSETS = 'arn:*:s3:::cdk-*';
/** Room that is left in each policy for the exempt ARNs, which are known only when the template is written. */
const ROOM = 1500;

/**
 * Nobody in the team can stop a run, and only a merge or a new dataset starts one.
 *
 * - `protectAgainst(role)` denies a role every action that starts, stops, skips or edits runs, or forges their evidence.
 * - `boundary` does the same as a permissions boundary, for roles that are made by others.
 * - `locks` does so in the policies of resources, for everybody in the account.
 * - `serviceControlPolicies()` are documents for the organization, which bind the account's administrators too.
 * - Attempts, whoever makes them, are recorded by CloudTrail, announced as `TamperAttempt`, and told.
 *
 * What remains: the root user and administrators of an account outside an organization can remove these policies. Only
 * the organization's documents bind them, and these bind everybody but the organization's own administrators.
 *
 * @example
 * declare const scientist: iam.Role;
 * const protection = new PipelineProtection(this, 'Protection');
 * protection.protectAgainst(scientist);
 */
export class PipelineProtection extends Construct {
  /** The policies that deny; all of them belong together. */
  public readonly denyPolicies: iam.IManagedPolicy[];
  /** Denials in the policies of resources, which hold for everybody in the account. */
  public readonly locks: ResourceLocks;
  /** A permissions boundary: everything but what is denied. */
  public readonly boundary: iam.IManagedPolicy;
  /**
   * What the names of the managed policies begin with.
   *
   * @default - they are generated
   */
  public readonly policyNamePrefix?: string;
  /**
   * Path of the managed policies.
   *
   * @default - '/'
   */
  public readonly policyPath?: string;
  /**
   * What CloudFormation begins the names with that it makes in this stack.
   *
   * @internal
   */
  public readonly _names: string;
  /**
   * Chosen names of the policies that deny, undefined where they are generated.
   *
   * @internal
   */
  public readonly _denyNames: (string | undefined)[] = [];
  private readonly exempted: Record<string, string[]> = {};
  private readonly listed: Record<string, string[]> = {};
  private readonly startable: sfn.IStateMachine[] = [];
  private readonly branches = ['main'];
  private readonly buckets: string[] = [];
  private readonly tables: string[] = [];
  private readonly roleNames: string[] = [];
  private readonly people: string[] = [];

  constructor(scope: Construct, id: string, props: PipelineProtectionProps = {}) {
    super(scope, id);
    this.policyNamePrefix = props.policyNamePrefix;
    this.policyPath = props.policyPath;
    this._names = this.stackPrefix() ?? '';
    this.locks = ResourceLocks._of(props.lockResources ?? true, this._names, props.trustedRoles ?? []);
    const problems = new Problems(this)
      .check(props.policyNamePrefix === undefined || /^[\w+=,.@-]{1,100}$/.test(props.policyNamePrefix),
        `policyNamePrefix must have 1 to 100 letters, digits and any of +=,.@_-, got '${props.policyNamePrefix}'`)
      .check(props.policyPath === undefined || /^\/([!-~]{1,510}\/)?$/.test(props.policyPath), `policyPath must begin and end with /, got '${props.policyPath}'`);
    for (const arn of props.exempt ?? []) {
      const service = arn.split(':')[2];
      problems.check(/^[a-z0-9-]+$/.test(service ?? ''), `exempt must hold ARNs that name their service, got '${arn}'; use the method exempt(service, …) for others`);
      this.exempt(service, arn);
    }
    problems.throwIfAny();
    const fixed = PROTECTED_ACTIONS.filter(({ reach }) => reach !== ProtectionReach.LISTED);
    const nothing = { exempt: {}, leftToPeople: {}, startable: [], startableByTag: false, listed: {}, notebookRoles: [], branches: this.branches };
    const lengthOf = (entry: typeof fixed[number]): number => estimatedLength(this, denyStatements([entry], nothing)[0]);
    const groups = packed(fixed, POLICY_LIMIT - ROOM, lengthOf);
    const naming = (suffix: string): Pick<DenyPolicyProps, 'policyName' | 'path'> =>
      ({ policyName: props.policyNamePrefix === undefined ? undefined : `${props.policyNamePrefix}-${suffix}`, path: props.policyPath });
    const policy = (name: string, description: string, statements: () => object[]): iam.IManagedPolicy => {
      const named = naming(name.replace(/([a-z])([A-Z\d])/g, '$1-$2').toLowerCase());
      this._denyNames.push(named.policyName);
      return new DenyPolicy(this, name, { ...named, description, statements, roleNames: () => this.roleNames }).policy;
    };

    this.denyPolicies = groups.map((group, i) => policy(`Deny${i + 1}`, 'Keeps people from touching runs and their evidence',
      () => denyStatements(group, this.scope())));
    for (let part = 0; part < LISTED_PARTS; part++) {
      this.denyPolicies.push(policy(`DenyListed${part + 1}`, 'Keeps people from the data, models and messages of runs', () => this.listedStatements(part)));
    }
    const stack = Stack.of(this);
    this.protectArns('sts', `arn:${Aws.PARTITION}:iam::${stack.account}:${DEPLOYERS}`);
    // where the CDK puts code that jobs read when they run
    this.protectArns('s3', CDK_ASSETS);
    // what the library's own stores are called
    this.protectArns('athena', stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: 'cdk-mlops-*' }));
    this.protectArns('glue',
      stack.formatArn({ service: 'glue', resource: 'database', resourceName: 'cdk_mlops_*' }),
      stack.formatArn({ service: 'glue', resource: 'table', resourceName: 'cdk_mlops_*' }));
    if (props.alerts !== undefined) this.protectArns('sns', props.alerts.topicArn);
    const boundary = new DenyPolicy(this, 'Boundary', {
      ...naming('boundary'),
      description: 'Everything but touching runs and their evidence',
      statements: () => this.boundaryStatements(),
      roleNames: () => [],
      openBecause: 'A permissions boundary grants nothing: it bounds what other policies grant',
    });
    Validations.of(boundary).acknowledge({
      id: 'AwsSolutions-IAM5',
      reason: 'A permissions boundary gives nothing: it is the most that the policies of a role can give, here everything but what is protected',
    });
    this.boundary = boundary.policy;

    const prefix = this.stackPrefix();
    const { trailBucket } = new TamperAlerts(this, 'TamperAlerts', {
      alerts: props.alerts,
      eventBus: props.eventBus,
      createTrail: props.createTrail ?? true,
      recorded: () => props.recordDataEvents ?? true
        ? { bucketArns: this.buckets, tableArns: this.tables, functionPrefix: prefix }
        : { bucketArns: [], tableArns: [] },
      encryptionKey: props.encryptionKey,
      watch: () => ({
        listed: this.fewBuckets(MOST_WATCHED),
        exempt: Object.values(this.exempted).flat(),
        startable: this.watchedStarts(),
        machines: prefix === undefined ? [] : [`${prefix}*`],
        trusted: ['cdk-*-cfn-exec-role-*', ...props.trustedRoles ?? []],
        people: this.people,
        branches: this.branches,
      }),
    });
    // not by protectBucket: a trail that recorded what is written to its own bucket would never end
    if (trailBucket !== undefined) {
      this.protectArns('s3', `${trailBucket.bucketArn}*`);
      this.locks.bucket(trailBucket);
    }
  }

  /** Denies a role everything that could touch a run or its evidence. */
  public protectAgainst(role: iam.IRole): void {
    if (isTakenByPeople(role)) this.people.push(role.roleName);
    // from the side of the policies, which know what models are made of: models may know roles
    this.roleNames.push(role.roleName);
  }

  /** Lets people start a workflow by hand, such as a data pipeline's, where a policy of theirs allows it. To stop or edit it stays denied. */
  public allowStart(stateMachine: sfn.IStateMachine): void {
    this.startable.push(stateMachine);
    Tags.of(stateMachine).add(STARTABLE_TAG, 'true', { includeResourceTypes: ['AWS::StepFunctions::StateMachine'] });
  }

  /** People keep what they may do on these ARNs of a service, for example `states` and a workflow that is none of the platform's. */
  public exempt(service: string, ...arns: string[]): void {
    this.checkService('exempt', service, arns);
    this.exempted[service] = [...this.exempted[service] ?? [], ...arns];
  }

  /** Protects a branch, beside `main`, from which a model is delivered: only pull requests change it. */
  public protectBranch(branch: string): void {
    if (!this.branches.includes(branch)) this.branches.push(branch);
  }

  /** Protects what is in a bucket, and its settings. */
  public protectBucket(bucket: s3.IBucket): void {
    this.buckets.push(bucket.bucketArn);
    if (!this.locks._holds(bucket) || (this.listed.s3 ?? []).length < MOST_LISTED) this.protectArns('s3', `${bucket.bucketArn}*`);
  }

  /** Has the writing of a table recorded. To people it is denied for every table. */
  public protectTable(table: dynamodb.ITable): void {
    this.tables.push(table.tableArn);
  }

  /** Protects a Glue database and its tables. */
  public protectDatabase(databaseName: string): void {
    const stack = Stack.of(this);
    this.protectArns('glue',
      stack.formatArn({ service: 'glue', resource: 'database', resourceName: databaseName }),
      stack.formatArn({ service: 'glue', resource: 'table', resourceName: `${databaseName}/*` }));
  }

  /** Protects captures, ground truth and what is made of them. */
  public protectObservations(observations: IObservationStore): void {
    this.protectBucket(observations.bucket);
    const stack = Stack.of(observations);
    if (!observations.workGroupName.startsWith('cdk-mlops-')) {
      this.protectArns('athena', stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: observations.workGroupName }));
    }
    if (!observations.databaseName.startsWith('cdk_mlops_')) this.protectDatabase(observations.databaseName);
  }

  /** Protects the evidence about an endpoint. Requests of people, which would count as evidence, are denied for every endpoint. */
  public protectEndpoint(endpoint: IModelEndpoint): void {
    this.protectObservations(endpoint.observations);
  }

  /** Protects resources of a service of which people also have some of their own: `s3`, `sns`, `athena`, `glue`, `kms`, `ssm`, `secretsmanager`. */
  public protectArns(service: string, ...arns: string[]): void {
    this.checkService('protectArns', service, arns);
    this.listed[service] = [...this.listed[service] ?? [], ...arns];
  }

  /** Marks the roles below a construct as the platform's own, which the organization's documents let work. */
  public trust(scope: IConstruct): void {
    trust(scope);
  }

  /** Takes the roles below a construct out of a larger one that is trusted: those that people work with, such as a notebook's. */
  public distrust(scope: IConstruct): void {
    distrust(scope);
  }

  /**
   * Service control policies for the organization, as JSON, each short enough for one. They deny the same to everybody in
   * the account but the roles that are marked by `trust`, those by which the CDK deploys, and those that are given.
   */
  public serviceControlPolicies(trustedArns: string[] = []): string[] {
    const known = Object.entries(this.exempted).map(([service, arns]) => [service, arns.filter((arn) => !Token.isUnresolved(arn))]);
    const prefix = this.stackPrefix();
    const named: Record<string, string[]> = prefix === undefined ? { s3: [CDK_ASSETS] } : {
      s3: [CDK_ASSETS, `arn:*:s3:::${prefix.toLowerCase()}*`],
      sns: [`arn:*:sns:*:*:${prefix}*`],
      sqs: [`arn:*:sqs:*:*:${prefix}*`],
    };
    const listed = {
      ...named,
      athena: ['arn:*:athena:*:*:workgroup/cdk-mlops-*'],
      glue: ['arn:*:glue:*:*:database/cdk_mlops_*', 'arn:*:glue:*:*:table/cdk_mlops_*'],
      // nobody chooses how a key is called
      kms: ['arn:*:kms:*:*:key/*'],
      sts: [`arn:*:iam::*:${DEPLOYERS}`],
    };
    const startable = this.startable.map(namePattern);
    const exempt = Object.fromEntries(known) as Record<string, string[]>;
    const notebookRoles = [`arn:*:iam::*:role/*${NOTEBOOK_ROLES}*`];
    return serviceControlPolicies({ ...this.scope(), exempt, startable, listed, notebookRoles }, trustedArns);
  }

  private scope(): DenyScope {
    const startable = this.startable.map(({ stateMachineArn }) => stateMachineArn);
    // SageMaker writes the logs of notebook instances by their roles, all into one group
    const logs = Stack.of(this).formatArn({
      service: 'logs', resource: 'log-group', resourceName: '/aws/sagemaker/NotebookInstances*', arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return {
      exempt: this.exempted,
      leftToPeople: { logs: [logs] },
      startable,
      startableByTag: startable.length > MOST_STARTABLE,
      listed: this.listed,
      notebookRoles: [Stack.of(this).formatArn({ service: 'iam', region: '', resource: 'role', resourceName: `*${NOTEBOOK_ROLES}*` })],
      branches: this.branches,
    };
  }

  /** Calls are recorded without tags: where what may be started is too much to be listed, the beginning of its names stands for it. */
  private watchedStarts(): string[] {
    if (this.startable.length <= MOST_STARTABLE) return this.startable.map(({ stateMachineArn }) => stateMachineArn);
    const [first, ...others] = this.startable.map((machine) => namePattern(machine).split(':').pop()!.replace(/^\*/, ''));
    const common = [...first].findIndex((_, i) => others.some((name) => name[i] !== first[i]));
    return common < 1 ? [] : [`arn:*:states:*:*:stateMachine:*${first.slice(0, common)}*`];
  }

  /** One part of what is denied on listed resources: there may be more of them than one policy holds. */
  private listedStatements(part: number): object[] {
    const shares = Object.entries(this.listed).map(([service, arns]) => [service, arns.filter((_arn, i) => i % LISTED_PARTS === part)]);
    const table = PROTECTED_ACTIONS.filter(({ reach }) => reach === ProtectionReach.LISTED);
    const statements = merged(denyStatements(table, { ...this.scope(), exempt: {}, listed: Object.fromEntries(shares) as DenyScope['listed'] }, true));
    if (statements.length > 0) return statements;
    // a policy needs a statement also where nothing is left for it
    const nothing = Stack.of(this).formatArn({ service: 'sns', resource: 'no-such-topic', arnFormat: ArnFormat.NO_RESOURCE_NAME });
    return [{ Sid: 'Nothing', Effect: 'Deny', Action: ['sns:Publish'], Resource: [nothing] }];
  }

  private boundaryStatements(): object[] {
    const all = boundaryStatements(this.scope());
    const length = estimatedLength(this, { Version: '2012-10-17', Statement: all });
    return length <= POLICY_LIMIT ? all : boundaryStatements({ ...this.scope(), listed: this.fewBuckets(0) });
  }

  /** Where buckets are too many to be listed, all those stand for them that CloudFormation names after this stack. */
  private fewBuckets(most: number): Record<string, string[]> {
    const prefix = this.stackPrefix();
    if (prefix === undefined || (this.listed.s3 ?? []).length <= most) return this.listed;
    // those that were made elsewhere are named otherwise
    const others = this.listed.s3.filter((arn) => arn.includes(':s3:::') && !arn.includes(`:s3:::${prefix.toLowerCase()}`));
    return { ...this.listed, s3: [...others, `arn:${Aws.PARTITION}:s3:::${prefix.toLowerCase()}*`] };
  }

  private checkService(method: string, service: string, arns: string[]): void {
    new Problems(this)
      .check(/^[a-z0-9-]+$/.test(service), `${method} takes the name of a service first, such as 'states', got '${service}'`)
      .check(arns.length > 0, `${method} takes ARNs after the service, got none`)
      .throwIfAny();
  }

  /** CloudFormation begins the names that it makes with the stack's, which it may cut. */
  private stackPrefix(): string | undefined {
    const { stackName } = rootOf(Stack.of(this));
    return Token.isUnresolved(stackName) ? undefined : stackName.slice(0, 20);
  }
}

/** How the ARN of a workflow looks: with the name that it was given, or with what CloudFormation adds to the logical id. */
function namePattern(stateMachine: sfn.IStateMachine): string {
  const resource = stateMachine.node.defaultChild;
  const given = resource instanceof sfn.CfnStateMachine ? resource.stateMachineName : undefined;
  if (given !== undefined && !Token.isUnresolved(given)) return `arn:*:states:*:*:stateMachine:${given}`;
  if (!Token.isUnresolved(stateMachine.stateMachineArn) || !CfnElement.isCfnElement(resource)) return stateMachine.stateMachineArn;
  return `arn:*:states:*:*:stateMachine:*${String(Stack.of(resource).resolve(resource.logicalId))}-*`;
}

/** Roles that only a service takes are named by it in each session, and cannot be mistaken for others. */
function isTakenByPeople(role: iam.IRole): boolean {
  const trusted = (role as iam.Role).assumeRolePolicy as iam.PolicyDocument | undefined;
  if (trusted === undefined) return true;
  const { Statement } = Stack.of(role).resolve(trusted) as { Statement: { Principal: string | Record<string, unknown> }[] };
  return Statement.some(({ Principal }) => typeof Principal === 'string' || Object.keys(Principal).some((kind) => kind !== 'Service'));
}
