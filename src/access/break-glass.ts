import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { peopleOfTheAccount } from './people-of-the-account';
import { Persona } from './persona';
import { PersonaPolicies } from './persona-policies';
import { PipelineProtection } from './pipeline-protection';
import { allow } from '../private/allow';
import { Problems } from '../private/problems';
import { distrust } from '../private/trusted';

/** Options of a `BreakGlass`, whatever platform it belongs to. */
export interface BreakGlassOptions {
  /**
   * An existing role, which is watched and gets the policies.
   *
   * @default - a new role, unless `permissionSetName` is given
   */
  readonly role?: iam.IRole;
  /**
   * Name of a permission set of IAM Identity Center: the roles that it makes are watched. Attach `policies.references` to it.
   *
   * @default - no permission set is watched
   */
  readonly permissionSetName?: string;
  /**
   * Who may take the new role.
   *
   * @default - users of this account whom a policy of theirs lets, under their own name and with a second factor of the last 15 minutes
   */
  readonly assumedBy?: iam.IPrincipal;
  /**
   * Permissions boundary of the new role.
   *
   * @default - the new role has no boundary
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;
  /**
   * Path of the new role.
   *
   * @default - the path /
   */
  readonly path?: string;
}

/** Properties of a `BreakGlass`. */
export interface BreakGlassProps extends BreakGlassOptions {
  /** Whose denials the role is exempt from. */
  readonly protection: PipelineProtection;
  /** Where each use is told. */
  readonly alerts: sns.ITopic;
}

/** How long a session of a new role may last: the least that IAM takes. */
const SESSION = Duration.hours(1);

/** What repairs: by service, the actions and the resources, without the partition, region and account. */
const REPAIRS: readonly { readonly service: string; readonly actions: string; readonly resources: string }[] = [
  { service: 'codepipeline', actions: 'StartPipelineExecution StopPipelineExecution RetryStageExecution EnableStageTransition', resources: '*' },
  { service: 'codebuild', actions: 'StopBuild RetryBuild', resources: 'project/*' },
  { service: 'states', actions: 'StartExecution', resources: 'stateMachine:*' },
  { service: 'states', actions: 'StopExecution RedriveExecution', resources: 'execution:*' },
  { service: 'sagemaker', actions: 'StopTrainingJob', resources: 'training-job/*' },
  { service: 'sagemaker', actions: 'StopProcessingJob', resources: 'processing-job/*' },
  { service: 'sagemaker', actions: 'UpdateEndpoint UpdateEndpointWeightsAndCapacities', resources: 'endpoint/*' },
  { service: 'sagemaker', actions: 'UpdateEndpoint', resources: 'endpoint-config/*' },
  { service: 'glue', actions: 'BatchStopJobRun', resources: 'job/*' },
  { service: 'events', actions: 'EnableRule', resources: 'rule/*' },
  { service: 'cloudwatch', actions: 'EnableAlarmActions', resources: 'alarm:*' },
  { service: 'sqs', actions: 'ReceiveMessage DeleteMessage GetQueueAttributes', resources: '*' },
  { service: 'cloudformation', actions: 'CancelUpdateStack ContinueUpdateRollback RollbackStack', resources: 'stack/*' },
];

/**
 * A role for emergencies, off unless it is asked for. It may start, stop and retry runs, put an endpoint on another of its
 * configs, take up events that were lost, and bring a stack back from a failed update. It may write no data, no code, no
 * evidence and no policy. A session lasts an hour, needs a second factor, and each one, also a refused one, is told with who
 * and when. What it does is told like anybody's attempts.
 *
 * It is told through CloudTrail and EventBridge, in the region where the session is asked for. Sessions that are asked for in
 * us-east-1, as the console and IAM Identity Center may, arrive where `GlobalEvents` forwards them from there.
 *
 * @example
 * declare const protection: PipelineProtection;
 * declare const alerts: Alerts;
 * new BreakGlass(this, 'BreakGlass', { protection, alerts: alerts.topic });
 */
export class BreakGlass extends Construct {
  /** What it may do, as managed policies. */
  public readonly policies: PersonaPolicies;
  /**
   * The role.
   *
   * @default - a permission set makes it
   */
  public readonly role?: iam.IRole;

  constructor(scope: Construct, id: string, props: BreakGlassProps) {
    super(scope, id);
    const { permissionSetName } = props;
    const isNew = props.role === undefined && permissionSetName === undefined;
    new Problems(this)
      .check(props.role === undefined || permissionSetName === undefined, 'role and permissionSetName were both given; give one of them')
      .check(isNew || (props.assumedBy === undefined && props.permissionsBoundary === undefined && props.path === undefined),
        'assumedBy, permissionsBoundary and path belong to a new role; leave them out where there is one')
      .check(permissionSetName === undefined || /^[\w+=,.@-]{1,32}$/.test(permissionSetName),
        `permissionSetName must have 1 to 32 letters, digits and any of +=,.@_-, got '${permissionSetName}'`)
      .throwIfAny();
    this.policies = new PersonaPolicies(this, 'Policies', { persona: Persona.BREAK_GLASS, protection: props.protection });
    this.role = isNew ? this.createRole(props) : props.role;
    if (this.role !== undefined) this.policies.attachTo(this.role);
    this.allowRepairs();
    const arn = permissionSetName === undefined ? this.role!.roleArn : `*/AWSReservedSSO_${permissionSetName}_*`;
    const named = permissionSetName === undefined ? [arn] : [{ wildcard: arn }];
    this.tell('Taken', { requestParameters: { roleArn: named } }, props.alerts);
    // who is refused is often recorded without what they asked for
    this.tell('Refused', { requestParameters: { roleArn: [{ exists: false }] }, errorMessage: [{ wildcard: `*on resource: ${arn}*` }] }, props.alerts);
  }

  private createRole(props: BreakGlassProps): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: props.assumedBy ?? peopleOfTheAccount({ NumericLessThan: { 'aws:MultiFactorAuthAge': '900' } }),
      description: Persona.BREAK_GLASS.description,
      permissionsBoundary: props.permissionsBoundary,
      path: props.path,
      maxSessionDuration: SESSION,
    });
    distrust(role);
    return role;
  }

  private allowRepairs(): void {
    const stack = Stack.of(this);
    for (const { service, actions, resources } of REPAIRS) {
      allow(this.policies, {
        actions: actions.split(' ').map((action) => `${service}:${action}`),
        resources: [`arn:${stack.partition}:${service}:${stack.region}:${stack.account}:${resources}`],
        because: 'Which run has to be repaired is known in the emergency; each use is told',
      });
    }
    // lost events lie encrypted in their queue
    allow(this.policies, {
      actions: ['kms:Decrypt'],
      resources: [stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*' })],
      conditions: { StringEquals: { 'kms:ViaService': `sqs.${stack.region}.amazonaws.com` } },
      because: 'The key of a queue may be anybody\'s; it is used by SQS alone, for messages that this role may receive',
    });
  }

  private tell(id: string, detail: Record<string, unknown>, topic: sns.ITopic): void {
    const of = (path: string): string => events.EventField.fromPath(`$.detail.${path}`);
    const rule = new events.Rule(this, id, {
      description: 'The role for emergencies is taken',
      eventPattern: {
        detailType: ['AWS API Call via CloudTrail'],
        detail: { eventSource: ['sts.amazonaws.com'], eventName: ['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'], ...detail },
      },
      targets: [new targets.SnsTopic(topic, {
        message: events.RuleTargetInput.fromText(`${of('eventTime')} BREAK GLASS: ${of('userIdentity.arn')} ${of('userIdentity.userName')} asked for the `
          + `role ${of('requestParameters.roleArn')} as ${of('requestParameters.roleSessionName')} from ${of('sourceIPAddress')}. ${of('errorCode')} ${of('errorMessage')}`),
      })],
    });
    // to take a role counts as a call that only reads
    (rule.node.defaultChild as events.CfnRule).state = 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS';
  }
}
