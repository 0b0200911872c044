import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { isNamed } from './covered-names';
import { Persona } from './persona';
import { PipelineProtection } from './pipeline-protection';
import { PolicyPrincipal } from './policy-principal';
import { VIEWER_ACTIONS } from './viewer-actions';
import { Problems } from '../private/problems';
import { acknowledgeWildcard } from '../private/wildcards';

/** A managed policy as a permission set of IAM Identity Center refers to it. */
export interface PolicyReference {
  /** Name of the policy. */
  readonly name: string;
  /** Path of the policy, such as `/mlops/`. */
  readonly path: string;
}

/** Options of `PersonaPolicies`, whatever platform they belong to. */
export interface PersonaPoliciesOptions {
  /** What the people are who get the policies. */
  readonly persona: Persona;
  /**
   * Name of the policy that allows. A permission set can refer only to policies whose names are chosen.
   *
   * @default - the `policyNamePrefix` of the protection and the construct's id, such as `mlops-Scientists`; without a prefix, a
   * generated name
   */
  readonly policyName?: string;
}

/** Properties of `PersonaPolicies`. */
export interface PersonaPoliciesProps extends PersonaPoliciesOptions {
  /** Denies the persona everything that could touch a run. */
  readonly protection: PipelineProtection;
}

/**
 * What a persona may do, as managed policies without a role: for roles that are made elsewhere, such as those of a permission
 * set of IAM Identity Center. The first policy allows, the others deny whatever could touch a run. They belong together: who
 * gets the first only is kept from nothing that other policies allow.
 *
 * @see https://docs.aws.amazon.com/singlesignon/latest/userguide/howtocmp.html
 *
 * @example
 * const protection = new PipelineProtection(this, 'Protection', { policyNamePrefix: 'mlops', policyPath: '/mlops/' });
 * const scientists = new PersonaPolicies(this, 'Scientists', { persona: Persona.DATA_SCIENTIST, protection });
 * for (const { name, path } of scientists.references) new CfnOutput(this, name, { value: `${path}${name}` });
 */
export class PersonaPolicies extends Construct implements iam.IGrantable {
  /** What the people are who get the policies. */
  public readonly persona: Persona;
  /** Takes what is granted to the persona into the policy that allows. */
  public readonly grantPrincipal: iam.IPrincipal;
  /** The policies: the one that allows, and those that deny. */
  public readonly policies: iam.IManagedPolicy[];
  private readonly own: PolicyPrincipal;
  private readonly roleNames: string[] = [];
  private readonly protection: PipelineProtection;
  private readonly policyName?: string;

  constructor(scope: Construct, id: string, props: PersonaPoliciesProps) {
    super(scope, id);
    const { persona, protection } = props;
    this.persona = persona;
    this.protection = protection;
    const prefix = protection.policyNamePrefix;
    const { id: name } = id === 'Policies' ? scope.node : this.node;
    this.policyName = props.policyName ?? (prefix === undefined ? undefined : `${prefix}-${name}`);
    new Problems(this)
      .check(this.policyName === undefined || /^[\w+=,.@-]{1,128}$/.test(this.policyName),
        `policyName must have 1 to 128 letters, digits and any of +=,.@_-, got '${this.policyName}'`)
      .throwIfAny();
    const stack = Stack.of(this);
    // what the library's own repositories and tables are called
    const covers = (arn: string): boolean => isNamed(arn, protection._names);
    const patterns = {
      codecommit: { arn: stack.formatArn({ service: 'codecommit', resource: `${protection._names}*` }), covers },
      dynamodb: { arn: stack.formatArn({ service: 'dynamodb', resource: 'table', resourceName: `${protection._names}*` }), covers },
      // to start any but data pipelines is denied
      states: {
        arn: stack.formatArn({ service: 'states', resource: 'stateMachine', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME }),
        covers: () => true,
      },
    };
    this.own = new PolicyPrincipal(this, 'Own', {
      description: `${persona.personaName}: ${persona.description}`,
      policyName: this.policyName,
      path: protection.policyPath,
      roleNames: () => this.roleNames,
      patterns,
    });
    this.grantPrincipal = this.own;
    this.own.addToPrincipalPolicy(new iam.PolicyStatement({ sid: 'See', actions: [...VIEWER_ACTIONS], resources: ['*'] }));
    const resource = this.own.node.findChild('DefaultPolicy');
    acknowledgeWildcard(resource, '*', 'Everybody may see every run, version, metric and log; each action only reads');
    for (const { arn } of Object.values(patterns)) {
      acknowledgeWildcard(resource, arn, 'Stands for repositories, tables or data pipelines where they are too many to be listed; the denials except no other workflow');
    }
    this.policies = [this.own.policy, ...persona.isBound ? protection.denyPolicies : []];
  }

  /** The policies, by name and path, for a permission set. Fails where their names were not chosen. */
  public get references(): PolicyReference[] {
    const { policyName, protection } = this;
    const names = [policyName, ...this.persona.isBound ? protection._denyNames : []];
    if (names.includes(undefined)) {
      throw new Error(`${this.node.path}: a permission set refers to policies by names that were chosen; give policyNamePrefix to the protection`);
    }
    return names.map((name) => ({ name: name!, path: protection.policyPath ?? '/' }));
  }

  /** Attaches the policies to a role of this account, new or existing. */
  public attachTo(role: iam.IRole): void {
    this.roleNames.push(role.roleName);
    if (this.persona.isBound) this.protection.protectAgainst(role);
  }
}
