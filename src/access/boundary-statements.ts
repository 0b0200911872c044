import { DenyScope, denyStatements, merged, STARTABLE } from './deny-statements';
import { PROTECTED_ACTIONS, ProtectedActions, ProtectionReach } from './protected-actions';

/** What of a service stays possible within the boundary, where nearly everything that changes something is protected. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'apigateway': ['GET'],
  'application-autoscaling': ['Describe*'],
  'cloudformation': ['Describe*', 'Get*', 'List*'],
  'cloudtrail': ['Describe*', 'Get*', 'List*', 'Lookup*'],
  'codebuild': ['BatchG*', 'Get*', 'List*'],
  'codepipeline': ['Get*', 'List*'],
  'dynamodb': ['BatchG*', 'Describe*', 'Get*', 'List*', 'Query', 'Scan'],
  'ecr': ['BatchC*', 'BatchG*', 'Describe*', 'Get*', 'List*'],
  'events': ['Describe*', 'List*', 'PutEvents'],
  'firehose': ['Describe*', 'List*'],
  'iam': ['Get*', 'List*', 'Sim*'],
  'lambda': ['Get*', 'InvokeFunction*', 'List*'],
  // one's own notebook, and what runs in one's own Studio space
  'sagemaker': ['*teSpace', 'BatchD*', 'BatchG*', 'CreateApp', 'CreatePresigned*', 'DeleteApp', 'Describe*', 'Get*', 'List*', 'Search*', 'St*NotebookInstance'],
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
  const open = PROTECTED_ACTIONS.filter((entry) => entry.peopleOnly !== true && (CLOSED[entry.service] === undefined || isLeft(entry)));
  const exempt = Object.values(scope.exempt).flat();
  return [
    { Sid: 'Others', Effect: 'Allow', NotAction: everything, Resource: '*' },
    { Sid: 'Left', Effect: 'Allow', Action: services.flatMap((service) => CLOSED[service].map((action) => `${service}:${action}`)), Resource: '*' },
    ...startStatements(scope),
    { Sid: 'Notebooks', Effect: 'Allow', Action: 'iam:PassRole', Resource: scope.notebookRoles, Condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } } },
    ...exempt.length === 0 ? [] : [{ Sid: 'Exempt', Effect: 'Allow', Action: '*', Resource: exempt }],
    ...merged(denyStatements(open, scope, true)),
  ];
}

/** Whether something of a service that is opened by what is left is denied there under a condition only. */
function isLeft({ service, actions, reach, conditions }: ProtectedActions): boolean {
  const left = (action: string): boolean => CLOSED[service].some((name) => name.endsWith('*') ? action.startsWith(name.slice(0, -1)) : action === name);
  return (reach === ProtectionReach.EVERYTHING || conditions !== undefined) && actions.some(left);
}

/** To start a data pipeline by hand is left to whom a policy allows it. */
function startStatements({ startable, startableByTag }: DenyScope): object[] {
  const start = { Sid: 'Start', Effect: 'Allow', Action: 'states:StartExecution' };
  if (startableByTag) return [{ ...start, Resource: '*', Condition: { StringEquals: STARTABLE } }];
  return startable.length === 0 ? [] : [{ ...start, Resource: startable }];
}
