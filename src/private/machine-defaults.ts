import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { policyOf } from './allow';
import { newLogGroup } from './model-defaults';
import { ModelResources } from './model-resources';
import { acknowledgeWildcard } from './wildcards';

/** What every state machine of the library has: a role, and logs of all that it does. */
export interface MachineDefaults {
  readonly stateMachineName?: string;
  readonly role: iam.IRole;
  readonly logs: sfn.LogOptions;
  readonly tracingEnabled: boolean;
}

/** The state machines of a model share a role and a log group; one that is used alone has its own. */
export function machineDefaults(scope: Construct, encryptionKey?: kms.IKey): MachineDefaults {
  const model = ModelResources.of(scope);
  const role = model?.workflowRole ?? new iam.Role(scope, 'Role', { assumedBy: new iam.ServicePrincipal('states.amazonaws.com') });
  return { stateMachineName: model?.nameOf(scope, 80), role, logs: { destination: newLogGroup(scope, 'Logs', encryptionKey), level: sfn.LogLevel.ALL, includeExecutionData: true }, tracingEnabled: true };
}

/** Acknowledges what the CDK grants the role of a state machine by itself. */
export function acknowledgeMachine(machine: sfn.StateMachine, functionArns: string[]): void {
  const policy = policyOf(machine.role) ?? machine.role;
  acknowledgeWildcard(policy, '*', 'Log delivery and tracing have no resources in IAM.');
  for (const arn of functionArns) acknowledgeWildcard(policy, `${arn}:*`, 'A version of the function is the function.');
}

/** A state machine as its name tells it, where that is known. Roles that it runs as can name it so, which would otherwise wait for each other. */
export function byName(machine: sfn.IStateMachine): sfn.IStateMachine {
  const { scope, id, defaultChild } = machine.node;
  const name = defaultChild instanceof sfn.CfnStateMachine ? defaultChild.stateMachineName : undefined;
  if (scope === undefined || name === undefined || ModelResources.of(machine) === undefined) return machine;
  const named = scope.node.tryFindChild(`${id}ByName`) as sfn.IStateMachine | undefined;
  return named ?? sfn.StateMachine.fromStateMachineName(scope, `${id}ByName`, name);
}

/** The role with which rules and schedules start a model's state machines; undefined where each has one of its own. */
export function starterRole(scope: Construct): iam.IRole | undefined {
  return ModelResources.of(scope)?.workflowRole;
}
