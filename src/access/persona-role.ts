import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { peopleOfTheAccount } from './people-of-the-account';
import { Persona } from './persona';
import { PersonaPolicies } from './persona-policies';
import { PipelineProtection } from './pipeline-protection';
import { Problems } from '../private/problems';
import { distrust } from '../private/trusted';

/** Options of a `PersonaRole`, whatever platform it belongs to. */
export interface PersonaRoleOptions {
  /** What the people are who use the role. */
  readonly persona: Persona;
  /**
   * An existing role of this account. The roles that permission sets of IAM Identity Center make take no policies in this
   * way: use `PersonaPolicies` for them.
   *
   * @default - a new role
   */
  readonly role?: iam.IRole;
  /**
   * Who may take the new role. The trust should fix the name of a session (`sts:RoleSessionName`): CodeCommit takes two
   * sessions of different names for two people, of whom one may approve what the other has written. IAM Identity Center
   * names sessions after the person.
   *
   * @default - users of this account whom a policy of theirs lets, with a second factor and under their own name
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
   * @default - the path /
   */
  readonly path?: string;
  /**
   * Name of the new role.
   *
   * @default - a generated name
   */
  readonly roleName?: string;
  /**
   * Name of the managed policy that allows.
   *
   * @default - the `policyNamePrefix` of the protection and the construct's id; without a prefix, a generated name
   */
  readonly policyName?: string;
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
 * works with (data, notebooks, a repository) is granted to it by those constructs.
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
  /** Takes what is granted to the role into its managed policy. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** What the role may do, and what it may not. */
  public readonly policies: PersonaPolicies;

  constructor(scope: Construct, id: string, props: PersonaRoleProps) {
    super(scope, id);
    const session = props.maxSessionDuration ?? Duration.hours(8);
    new Problems(this)
      .check(session.isUnresolved() || (session.toHours({ integral: false }) >= 1 && session.toHours({ integral: false }) <= 12),
        `maxSessionDuration must be 1 to 12 hours, got ${session.toString()}`)
      .check(props.role === undefined
        || [props.assumedBy, props.permissionsBoundary, props.path, props.roleName, props.maxSessionDuration].every((prop) => prop === undefined),
      'assumedBy, maxSessionDuration, permissionsBoundary, path and roleName belong to a new role; leave them out where role is given')
      .check(props.persona.isBound, 'Persona.BREAK_GLASS has a construct of its own that tells of each use: use BreakGlass')
      .throwIfAny();
    this.persona = props.persona;
    this.role = props.role ?? this.createRole(props, session);
    this.policies = new PersonaPolicies(this, 'Policies', props);
    this.grantPrincipal = this.policies.grantPrincipal;
    this.policies.attachTo(this.role);
  }

  private createRole(props: PersonaRoleProps, maxSessionDuration: Duration): iam.Role {
    const role = new iam.Role(this, 'Role', {
      assumedBy: props.assumedBy ?? peopleOfTheAccount(),
      description: props.persona.description,
      permissionsBoundary: props.permissionsBoundary,
      path: props.path,
      roleName: props.roleName,
      maxSessionDuration,
    });
    distrust(role);
    return role;
  }
}
