import { Statement } from './statement';
import { evaluate, Evaluation } from '../../../examples/local/cloud/simulate';

/** Who asks, with every policy that applies to whatever they ask. */
export interface Principal {
  readonly arn: string;
  readonly account: string;
  readonly identity: readonly Statement[];
  readonly boundary?: readonly Statement[];
  /** Service control policies of the account. */
  readonly organization?: readonly Statement[];
  /** Policies of the endpoints of the network that the principal works in, by service. */
  readonly endpoints?: ReadonlyMap<string, readonly Statement[]>;
  readonly context: Readonly<Record<string, string | string[]>>;
}

/** What is asked for. */
export interface Ask {
  readonly action: string;
  readonly resource: string;
  /** What the service adds to the request: the branch that is pushed to, the namespace of a metric. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

export interface Decision {
  readonly allowed: boolean;
  /** The statement that decided, for people. */
  readonly by: string;
  /** Name of the statement that denied, where one did. */
  readonly statement?: string;
}

/** What stands in place of a statement; undefined where it is removed. */
export type Change = ReadonlyMap<Statement, Statement | undefined>;

const NOTHING_CHANGED: Change = new Map();
const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' };
const document = (statements: readonly object[]) => ({ Version: '2012-10-17', Statement: [...statements] });
const named = (name: string, statements: readonly object[]) => [{ name, policy: document(statements) }];

/** Decides by all policies together. Statements that do not speak of an action are left out: they cannot decide about it. */
export class Judge {
  /** @param resourcePolicyOf the policy that a resource carries */
  constructor(private readonly account: string, private readonly resourcePolicyOf: (arn: string) => readonly Statement[] | undefined) {}

  /** The statements that could decide. */
  relevant(principal: Principal, { action, resource }: Ask): Statement[] {
    const all = [principal.identity, principal.boundary, principal.organization, this.resourcePolicyOf(resource), endpoint(principal, action)];
    return all.flatMap((statements) => (statements ?? []).filter((statement) => statement.speaksOf(action)));
  }

  allows(principal: Principal, ask: Ask, change: Change = NOTHING_CHANGED): boolean {
    return this.evaluated(principal, ask, change) === 'Allowed' && this.passes(principal, ask, change) === 'Allowed';
  }

  decide(principal: Principal, ask: Ask): Decision {
    const result = this.evaluated(principal, ask, NOTHING_CHANGED);
    const through = this.passes(principal, ask, NOTHING_CHANGED);
    const relevant = this.relevant(principal, ask);
    if (result === 'Allowed' && through !== 'Allowed') return { allowed: false, by: 'the policy of the network’s endpoint', statement: 'the endpoint' };
    if (result === 'Allowed') {
      const allows = relevant.find((statement) => !statement.denies && this.alone(principal, ask, statement) === 'Allowed');
      return { allowed: true, by: allows?.label ?? 'a resource policy' };
    }
    const denies = relevant.find((statement) => statement.denies && this.alone(principal, ask, statement) === 'ExplicitlyDenied');
    if (denies !== undefined) return { allowed: false, by: denies.label, statement: denies.sid };
    const bounded = principal.boundary !== undefined && this.evaluated({ ...principal, boundary: undefined }, ask, NOTHING_CHANGED) === 'Allowed';
    return bounded ? { allowed: false, by: 'the permissions boundary does not allow it', statement: 'the boundary' } : { allowed: false, by: 'nothing allows it' };
  }

  /** What one statement decides, of a principal who is allowed everything else. */
  private alone(principal: Principal, ask: Ask, statement: Statement): Evaluation {
    const isResourcePolicys = this.resourcePolicyOf(ask.resource)?.includes(statement) === true;
    const others = statement.denies ? [EVERYTHING] : [];
    // a key is used by nobody whom its own policy does not let
    const letting = ask.resource.startsWith('arn:aws:kms:') ? document([{ ...EVERYTHING, Principal: { AWS: this.account } }]) : undefined;
    return this.simulated(principal, ask, {
      identityPolicies: named('identity', isResourcePolicys ? others : [...others, statement.json]),
      resourcePolicy: isResourcePolicys ? document([statement.json]) : letting,
    });
  }

  private evaluated(principal: Principal, ask: Ask, change: Change): Evaluation {
    const left = (statements: readonly Statement[]): object[] => applied(statements, ask, change);
    const resourcePolicy = this.resourcePolicyOf(ask.resource);
    return this.simulated(principal, ask, {
      identityPolicies: named('identity', left(principal.identity)),
      permissionBoundaryPolicies: principal.boundary && named('boundary', left(principal.boundary)),
      serviceControlPolicies: principal.organization === undefined ? [] : [{
        orgIdentifier: 'organization', policies: named('organization', [EVERYTHING, ...left(principal.organization)]),
      }],
      resourcePolicy: resourcePolicy && document(left(resourcePolicy)),
    });
  }

  /** Whether the endpoint of the network lets the request through. */
  private passes(principal: Principal, ask: Ask, change: Change): Evaluation {
    const policy = endpoint(principal, ask.action);
    if (policy === undefined) return 'Allowed';
    const statements = applied(policy, ask, change).map(({ Principal: _anybody, ...rest }: { Principal?: unknown }) => rest);
    return this.simulated(principal, ask, { identityPolicies: named('endpoint', statements) });
  }

  private simulated(principal: Principal, { action, resource, context }: Ask, of: Partial<Parameters<typeof evaluate>[0]>): Evaluation {
    const service = !principal.arn.startsWith('arn:');
    return evaluate({
      request: {
        principal: principal.arn,
        action,
        // an action about nothing in particular matches no pattern but `*`; the evaluator would take the star for a pattern itself
        resource: { resource: resource === '*' ? 'arn:aws:nothing:::in-particular' : resource, accountId: accountOf(resource) ?? (resource === '*' ? principal.account : this.account) },
        contextVariables: {
          ...service ? {} : { 'aws:PrincipalArn': principal.arn, 'aws:PrincipalAccount': principal.account },
          'aws:ResourceAccount': accountOf(resource) ?? this.account,
          'aws:SecureTransport': 'true',
          's3:TlsVersion': '1.3',
          'aws:ViaAWSService': 'false',
          'aws:PrincipalIsAWSService': String(service),
          ...principal.context,
          ...context,
        },
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...of,
    });
  }
}

function applied(statements: readonly Statement[], ask: Ask, change: Change): object[] {
  return statements.map((statement) => change.has(statement) ? change.get(statement) : statement)
    .filter((statement): statement is Statement => statement?.speaksOf(ask.action) === true)
    .map(({ json }) => json);
}

function endpoint(principal: Principal, action: string): readonly Statement[] | undefined {
  return principal.endpoints?.get(action.split(':')[0]);
}

/** Buckets name no account: those of another are told by their name here. */
function accountOf(resource: string): string | undefined {
  if (resource.startsWith('arn:aws:s3:::another-account')) return '999999999999';
  return /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(resource)?.[1];
}
