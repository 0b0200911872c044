import { ArnFormat, Names, Stack, Tags, Token, Validations } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct, IConstruct } from 'constructs';
import { boundaryStatements } from './boundary-statements';
import { DenyPolicy, estimatedLength, POLICY_LIMIT } from './deny-policy';
import { DenyScope, denyStatements, packed } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectionReach } from './protected-actions';
import { serviceControlPolicies, TRUSTED_TAG } from './service-control-policies';
import { TamperAlerts } from './tamper-alerts';
import { Problems } from '../private/problems';
import { IModelEndpoint } from '../serving/model-endpoint';
import { IObservationStore } from '../serving/observation-store';

/** Properties of a `PipelineProtection`. */
export interface PipelineProtectionProps {
  /**
   * Where attempts are told.
   *
   * @default - nowhere; they are on the event bus as `TamperAttempt`
   */
  readonly alerts?: sns.ITopic;
  /**
   * ARN patterns, such as `arn:aws:states:*:*:stateMachine:other-*`, of resources that are none of the platform's, though
   * of a kind that is protected. People keep what they may do there.
   *
   * @default - none: the account is the platform's
   */
  readonly exempt?: string[];
  /**
   * Patterns of further role names whose calls are the platform's own work and no attempts.
   *
   * @default - the roles of this stack that are not protected against, and the one by which the CDK deploys
   */
  readonly trustedRoles?: string[];
  /**
   * The bus that gets the event `TamperAttempt`.
   *
   * @default - the account's default bus
   */
  readonly eventBus?: events.IEventBus;
  /**
   * Whether to make a trail that hands changes to EventBridge. Say false where the account or its organization has one.
   *
   * @default true
   */
  readonly createTrail?: boolean;
  /**
   * Encrypts logs and the environment of the function. The key must let CloudWatch Logs use it.
   *
   * @default - the services' own encryption
   */
  readonly encryptionKey?: kms.IKey;
}

/** Room that is left in each policy for the exempt ARNs, which are known only when the template is written. */
const ROOM = 1500;

/**
 * Nobody in the team can stop a run, and only a merge or a new dataset starts one.
 *
 * - `protectAgainst(role)` denies a role every action that starts, stops, skips or edits runs, or forges their evidence.
 * - `boundary` does the same as a permissions boundary, for roles that are made by others.
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
  /** A permissions boundary: everything but what is denied. */
  public readonly boundary: iam.IManagedPolicy;
  private readonly exempted: Record<string, string[]> = {};
  private readonly listed: Record<string, string[]> = {};
  private readonly existingRoles: string[] = [];
  private readonly people: string[] = [];

  constructor(scope: Construct, id: string, props: PipelineProtectionProps = {}) {
    super(scope, id);
    const problems = new Problems(this);
    for (const arn of props.exempt ?? []) {
      const service = arn.split(':')[2];
      problems.check(/^[a-z0-9-]+$/.test(service ?? ''), `exempt must hold ARNs that name their service, got '${arn}'; use the method exempt(service, …) for others`);
      this.exempt(service, arn);
    }
    problems.throwIfAny();
    const fixed = PROTECTED_ACTIONS.filter(({ reach }) => reach !== ProtectionReach.LISTED);
    const lengthOf = (entry: typeof fixed[number]): number => estimatedLength(this, denyStatements([entry], { exempt: {}, listed: {} })[0]);
    const groups = packed(fixed, POLICY_LIMIT - ROOM, lengthOf);
    const policy = (name: string, description: string, statements: () => object[]): iam.IManagedPolicy =>
      new DenyPolicy(this, name, { description, statements, roleNames: () => this.existingRoles }).policy;

    this.denyPolicies = groups.map((group, i) => policy(`Deny${i + 1}`, 'Keeps people from touching runs and their evidence',
      () => denyStatements(group, this.scope())));
    const onListed = PROTECTED_ACTIONS.filter(({ reach }) => reach === ProtectionReach.LISTED);
    if (props.alerts !== undefined) this.protectArns('sns', props.alerts.topicArn);
    this.denyPolicies.push(policy('DenyListed', 'Keeps people from the data, models and messages of runs', () => this.orNothing(denyStatements(onListed, this.scope()))));
    const boundary = new DenyPolicy(this, 'Boundary', {
      description: 'Everything but touching runs and their evidence',
      statements: () => boundaryStatements(this.scope()),
      roleNames: () => [],
    });
    Validations.of(boundary).acknowledge({
      id: 'AwsSolutions-IAM5',
      reason: 'A permissions boundary gives nothing: it is the most that the policies of a role can give, here everything but what is protected',
    });
    this.boundary = boundary.policy;

    new TamperAlerts(this, 'TamperAlerts', {
      alerts: props.alerts,
      eventBus: props.eventBus,
      createTrail: props.createTrail ?? true,
      encryptionKey: props.encryptionKey,
      watch: () => ({
        listed: this.listed,
        exempt: Object.values(this.exempted).flat(),
        machines: [...this.ownRoles(), 'cdk-*-cfn-exec-role-*', ...props.trustedRoles ?? []],
        people: this.people,
      }),
    });
  }

  /** Denies a role everything that could touch a run or its evidence. */
  public protectAgainst(role: iam.IRole): void {
    this.people.push(role.roleName);
    // a role that was imported does not take policies itself
    if (role.node.defaultChild === undefined) this.existingRoles.push(role.roleName);
    else this.denyPolicies.forEach((policy) => role.addManagedPolicy(policy));
  }

  /** People keep what they may do on these ARNs of a service, for example `states` and the data pipeline that engineers start by hand. */
  public exempt(service: string, ...arns: string[]): void {
    this.exempted[service] = [...this.exempted[service] ?? [], ...arns];
  }

  /** Protects what is in a bucket, and its settings. */
  public protectBucket(bucket: s3.IBucket): void {
    this.protectArns('s3', bucket.bucketArn, bucket.arnForObjects('*'));
  }

  /** Protects captures, ground truth and what is made of them. */
  public protectObservations(observations: IObservationStore): void {
    const stack = Stack.of(observations);
    this.protectBucket(observations.bucket);
    this.protectArns('athena', stack.formatArn({ service: 'athena', resource: 'workgroup', resourceName: observations.workGroupName }));
    this.protectArns('glue',
      stack.formatArn({ service: 'glue', resource: 'database', resourceName: observations.databaseName }),
      stack.formatArn({ service: 'glue', resource: 'table', resourceName: `${observations.databaseName}/*` }));
  }

  /** Protects an endpoint from requests of people, which would count as evidence, and its observations. */
  public protectEndpoint(endpoint: IModelEndpoint): void {
    this.protectArns('sagemaker', endpoint.endpointArn);
    this.protectObservations(endpoint.observations);
  }

  /** Protects resources of a service of which people also have some of their own: `s3`, `sns`, `athena`, `glue`, `kms`, `ssm`, `secretsmanager`. */
  public protectArns(service: string, ...arns: string[]): void {
    this.listed[service] = [...this.listed[service] ?? [], ...arns];
  }

  /** Marks the roles below a construct as the platform's own, which the organization's documents let work. */
  public trust(scope: IConstruct): void {
    Tags.of(scope).add(TRUSTED_TAG, 'true', { includeResourceTypes: ['AWS::IAM::Role'] });
  }

  /**
   * Service control policies for the organization, as JSON, each short enough for one. They deny the same to everybody in
   * the account but the roles that are marked by `trust`, those by which the CDK deploys, and those that are given.
   */
  public serviceControlPolicies(trustedArns: string[] = []): string[] {
    const known = Object.entries(this.exempted).map(([service, arns]) => [service, arns.filter((arn) => !Token.isUnresolved(arn))]);
    return serviceControlPolicies(Object.fromEntries(known) as Record<string, string[]>, trustedArns);
  }

  private scope(): DenyScope {
    return { exempt: this.exempted, listed: this.listed };
  }

  /** A policy needs a statement also where nothing is listed; this one denies what nobody can do. */
  private orNothing(statements: object[]): object[] {
    if (statements.length > 0) return statements;
    const none = Stack.of(this).formatArn({ service: 'sns', resource: Names.uniqueResourceName(this, { maxLength: 60 }), arnFormat: ArnFormat.NO_RESOURCE_NAME });
    return [{ Sid: 'NothingListed', Effect: 'Deny', Action: ['sns:Publish'], Resource: [none] }];
  }

  /** CloudFormation begins the names that it makes for roles with the stack's, which it may cut. */
  private ownRoles(): string[] {
    let stack = Stack.of(this);
    while (stack.nestedStackParent !== undefined) stack = stack.nestedStackParent;
    return Token.isUnresolved(stack.stackName) ? [] : [`${stack.stackName.slice(0, 20)}*`];
  }
}
