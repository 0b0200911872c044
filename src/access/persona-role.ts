import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { Persona } from './persona';
import { PipelineProtection } from './pipeline-protection';
import { distrust } from './service-control-policies';
import { VIEWER_ACTIONS } from './viewer-actions';
import { Problems } from '../private/problems';
import { acknowledgeWildcard } from '../private/wildcards';

/** Options of a `PersonaRole`, whatever platform it belongs to. */
export interface PersonaRoleOptions {
  /** What the people are who use the role. */
  readonly persona: Persona;
  /**
   * An existing role, for example one that a permission set of IAM Identity Center made.
   *
   * @default - a new role
   */
  readonly role?: iam.IRole;
  /**
   * Who may take the new role.
   *
   * @default - people of this account whom a policy of theirs lets, with a second factor
   */
  readonly assumedBy?: iam.IPrincipal;
  /**
   * Permissions boundary of the new role.
   *
   * @default - none; the protection denies by policies
   */
  readonly permissionsBoundary?: iam.IManagedPolicy;
  /**
   * Path of the new role.
   *
   * @default '/'
   */
  readonly path?: string;
  /**
   * How long a session of the new role may last.
   *
   * @default Duration.hours(8)
   */
  readonly maxSessionDuration?: Duration;
}

/** Properties of a `PersonaRole`. */
export interface PersonaRoleProps extends PersonaRoleOptions {
  /** Denies the role everything that could touch a run. */
  readonly protection: PipelineProtection;
}

/**
 * The role of a persona: sees pipelines, runs, versions, metrics and logs, and can touch none of them. What the persona
 * works with (data, notebooks, a repository) is granted to `role` by those constructs.
 *
 * @example
 * declare const protection: PipelineProtection;
 * new PersonaRole(this, 'Scientist', { persona: Persona.DATA_SCIENTIST, protection });
 */
export class PersonaRole extends Construct implements iam.IGrantable {
  /** The role. */
  public readonly role: iam.IRole;
  /** What the people are who use the role. */
  public readonly persona: Persona;
  /** The role, to be granted something. */
  public readonly grantPrincipal: iam.IPrincipal;

  constructor(scope: Construct, id: string, props: PersonaRoleProps) {
    super(scope, id);
    const session = props.maxSessionDuration ?? Duration.hours(8);
    new Problems(this)
      .check(session.isUnresolved() || (session.toHours({ integral: false }) >= 1 && session.toHours({ integral: false }) <= 12),
        `maxSessionDuration must be 1 to 12 hours, got ${session.toString()}`)
      .check(props.role === undefined || (props.assumedBy === undefined && props.permissionsBoundary === undefined && props.path === undefined),
        'assumedBy, permissionsBoundary and path belong to a new role; leave them out where role is given')
      .throwIfAny();
    this.persona = props.persona;
    this.role = props.role ?? this.createRole(props, session);
    this.grantPrincipal = this.role;
    const viewer = new iam.ManagedPolicy(this, 'Viewer', {
      description: `${props.persona.personaName}: sees runs, versions, metrics and logs`,
      statements: [new iam.PolicyStatement({ sid: 'See', actions: [...VIEWER_ACTIONS], resources: ['*'] })],
      roles: [this.role],
    });
    acknowledgeWildcard(viewer, '*', 'Everybody may see every run, version, metric and log; each action only reads');
    props.protection.protectAgainst(this.role);
  }

  private createRole(props: PersonaRoleProps, maxSessionDuration: Duration): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: props.assumedBy ?? new iam.AccountRootPrincipal().withConditions({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } }),
      description: props.persona.description,
      permissionsBoundary: props.permissionsBoundary,
      path: props.path ?? '/',
      maxSessionDuration,
    });
    distrust(role);
    return role;
  }
}
