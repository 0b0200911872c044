import { Deployed, PERMISSION_SET, WHERE } from './apps';
import { Principal } from './decide';
import { Statement } from './statement';

/** Who is asked about: as the table calls them, and what they are. */
export const PERSONAS = {
  engineer: ['Engineer', 'a data engineer'],
  scientist: ['Scientist', 'a data scientist, who has a notebook of their own'],
  approver: ['Approver', 'an approver'],
  operator: ['Operator', 'an operator'],
  notebook: ['Notebook', 'what runs in a data scientist’s notebook'],
  dataScript: ['Data script', 'a data engineer’s script in its Glue job'],
  build: ['Build', 'what a merge’s build runs'],
  training: ['Training', 'the role of a model’s training, which its code has no network to use unless it is given one'],
  server: ['Server', 'the role of an endpoint, which a model’s code has no network to use either'],
  application: ['Application', 'an application that asks for predictions'],
  breakGlass: ['Emergency', 'the role for emergencies, each use of which is told; it repairs, and may do part of some lines'],
  teammate: ['Teammate', 'a person with AdministratorAccess, in a role that the platform protects itself against'],
  bounded: ['Bounded', 'another role of the account with AdministratorAccess, within the permissions boundary, which stands for all buckets named after the stack where they are many'],
  administrator: ['Admin, SCP', 'an administrator of an account that the organization’s documents apply to'],
  unbound: ['Admin alone¹', 'an administrator of an account that they do not apply to'],
} as const;

export type Persona = keyof typeof PERSONAS;

const ADMINISTRATOR = new Statement('AdministratorAccess', { Sid: 'AdministratorAccess', Effect: 'Allow', Action: '*', Resource: '*' }, false, 0);
const ENDPOINTS = new Map<object, ReadonlyMap<string, readonly Statement[]>>();
const DOCUMENTS = new Map<readonly string[], readonly Statement[]>();
/** Roles of the app, by the beginning of their logical ids. */
const ROLES: [Persona, string][] = [
  ['engineer', 'MlopsEngineerRole'], ['scientist', 'MlopsScientistRole'], ['approver', 'MlopsApproverRole'], ['operator', 'MlopsOperatorRole'],
  ['notebook', 'MlopsAdaNotebookRole'], ['dataScript', 'MlopsWeatherWeatherJobRole'], ['build', 'DeliveryBuildRole'], ['training', 'TrainingJobRole'],
  ['server', 'EndpointExecutionRole'], ['breakGlass', 'MlopsBreakGlassRole'], ['application', 'Client'],
];

/** The principals of an app; those that it does not have are missing. */
export function principalsOf(deployed: Deployed): ReadonlyMap<Persona, Principal> {
  const { policies } = deployed;
  const found = new Map<Persona, Principal>();
  for (const [persona, id] of ROLES) {
    // of two models, the first
    const role = policies.declared.find(({ type, logicalId }) => type === 'AWS::IAM::Role' && new RegExp(`^${id}[0-9A-F]{8}$`).test(logicalId));
    if (role !== undefined) found.set(persona, withMfa(policies.principal(role)));
  }
  const scientist = found.get('scientist');
  // of those who share the role, the one whose notebook it is
  if (scientist !== undefined) found.set('scientist', { ...scientist, context: { ...scientist.context, 'aws:userid': 'AROASCIENTIST:ada' } });
  const notebook = found.get('notebook');
  if (notebook !== undefined) found.set('notebook', { ...notebook, endpoints: endpointsOf(policies.declared) });
  const attached = policies.attachedTo(PERMISSION_SET);
  found.set('teammate', { ...person(PERMISSION_SET), identity: [ADMINISTRATOR, ...attached.length > 0 ? attached : denied(found.get('engineer'))] });
  found.set('bounded', { ...person('other-team'), identity: [ADMINISTRATOR], boundary: policies.managedLike('Boundary') });
  found.set('administrator', { ...person('Administrator'), identity: [ADMINISTRATOR], organization: organizationOf(deployed) });
  found.set('unbound', unbound());
  return found;
}

/** The statements of the documents for the organization; the same ones whenever it is asked. */
export function organizationOf({ organization }: Deployed): readonly Statement[] {
  const known = DOCUMENTS.get(organization) ?? organization.flatMap((text, i) => Statement.ofPolicy(`service control policy ${i + 1}`, JSON.parse(text)));
  DOCUMENTS.set(organization, known);
  return known;
}

/** Somebody who may do everything in their account, and whom nothing of the platform's account binds but what resources say. */
export function unbound(account: string = WHERE.account): Principal {
  return { ...person('unbound', account), identity: [ADMINISTRATOR] };
}

/** A service of AWS that acts for an account. */
export function service(name: string, account: string): Principal {
  return { arn: `${name}.amazonaws.com`, account, identity: [], context: { 'aws:SourceAccount': account } };
}

/** What a persona is denied, for somebody whom the same policies are attached to. */
function denied(persona: Principal | undefined): readonly Statement[] {
  return (persona?.identity ?? []).filter(({ denies }) => denies);
}

function person(role: string, account: string = WHERE.account): Principal {
  return withMfa({ arn: `arn:aws:iam::${account}:role/${role}`, account, identity: [], context: {} });
}

function withMfa(principal: Principal): Principal {
  return { ...principal, context: { 'aws:MultiFactorAuthPresent': 'true', ...principal.context } };
}

/** Policies of the endpoints of the notebooks' network, by the service that they lead to. */
export function endpointsOf(declared: Deployed['policies']['declared']): ReadonlyMap<string, readonly Statement[]> {
  const known = ENDPOINTS.get(declared) ?? readEndpoints(declared);
  ENDPOINTS.set(declared, known);
  return known;
}

function readEndpoints(declared: Deployed['policies']['declared']): ReadonlyMap<string, readonly Statement[]> {
  const found = new Map<string, readonly Statement[]>();
  for (const { properties } of declared.filter((one) => one.type === 'AWS::EC2::VPCEndpoint' && one.properties.PolicyDocument !== undefined)) {
    const statements = Statement.ofPolicy('an endpoint of the network', properties.PolicyDocument, () => true);
    const services = statements.flatMap(({ json }) => [json.Action ?? []].flat()).map((action) => String(action).split(':')[0]);
    for (const name of new Set(services)) found.set(name, [...found.get(name) ?? [], ...statements]);
  }
  return found;
}
