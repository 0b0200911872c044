import { DenyScope, DenyStatement, denyStatements } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectionReach } from './protected-actions';

/** What of a service stays possible within the boundary, where nearly everything that changes something is protected. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'application-autoscaling': ['Describe*'],
  'cloudformation': ['Describe*', 'Get*', 'List*'],
  'cloudtrail': ['Describe*', 'Get*', 'List*', 'LookupEvents'],
  'codebuild': ['BatchGet*', 'Get*', 'List*'],
  'codeconnections': ['Get*', 'List*', 'UseConnection'],
  'codepipeline': ['Get*', 'List*'],
  'dynamodb': ['BatchGet*', 'Describe*', 'Get*', 'List*', 'Query', 'Scan'],
  'ecr': ['BatchCheck*', 'BatchGet*', 'Describe*', 'Get*', 'List*'],
  'events': ['Describe*', 'List*', 'PutEvents'],
  'lambda': ['Get*', 'List*'],
  'scheduler': ['Get*', 'List*'],
  'states': ['Describe*', 'GetExecution*', 'List*'],
};

/**
 * Everything but what is protected, in the few characters that a boundary has: services of which nothing but reading is
 * left are opened by what is left, the others are closed by what is protected.
 */
export function boundaryStatements(scope: DenyScope): object[] {
  const services = Object.keys(CLOSED);
  const everything = services.map((service) => `${service}:*`);
  const open = PROTECTED_ACTIONS.filter(({ service, reach }) => !services.includes(service) || reach === ProtectionReach.EVERYTHING);
  const exempt = Object.values(scope.exempt).flat();
  const statements = denyStatements(open, scope, true);
  // of those that speak of everything one statement is made
  const account = statements.filter(({ Sid, Resource }) => Resource?.[0] === '*' && open.some(({ sid, reach }) => sid === Sid && reach === ProtectionReach.ACCOUNT));
  const merged: DenyStatement[] = account.length === 0 ? [] : [{ ...account[0], Sid: 'Protected', Action: account.flatMap(({ Action }) => Action) }];
  return [
    { Sid: 'Others', Effect: 'Allow', NotAction: everything, Resource: '*' },
    { Sid: 'Left', Effect: 'Allow', Action: services.flatMap((service) => CLOSED[service].map((action) => `${service}:${action}`)), Resource: '*' },
    ...exempt.length === 0 ? [] : [{ Sid: 'Exempt', Effect: 'Allow', Action: '*', Resource: exempt }],
    ...merged,
    ...statements.filter((statement) => !account.includes(statement)),
  ];
}
