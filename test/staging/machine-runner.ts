import { createRequire } from 'module';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type Task = (input: Json) => Promise<unknown> | unknown;

interface State { Type: string; States?: Record<string, State>; Iterator?: Definition; ItemProcessor?: Definition; Retry?: unknown[] }
interface Definition { StartAt: string; States: Record<string, State> }

/** What of the ASL engine is used; its types can be read by ES modules only. */
interface Engine {
  StateMachine: new (definition: object, options: object) => {
    run(input: Json, options: object): { result: Promise<Json>; eventLogs: AsyncIterable<{ type: string; state: { name: string } }> };
  };
}
const { StateMachine } = createRequire(__filename)('aws-local-stepfunctions') as Engine;

/** Everything that a template's definition refers to gets a readable stand-in. */
function resolve(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[intrinsic, argument]] = Object.entries(value as Record<string, unknown>);
  if (intrinsic === 'Fn::Join') return (argument as [string, unknown[]])[1].map(resolve).join((argument as [string])[0]);
  if (intrinsic === 'Ref') return argument === 'AWS::Partition' ? 'aws' : String(argument).replace(/^AWS::/, '');
  if (intrinsic === 'Fn::GetAtt') return (argument as string[]).join('.');
  throw new Error(`cannot resolve ${intrinsic}`);
}

/** The definitions of all state machines that `build` makes, by the first word of their comment's construct id. */
export function definitionsOf(build: (stack: Stack) => void): { definition: Definition; logicalId: string }[] {
  const stack = new Stack(new App(), 'Stack', { env: { region: 'eu-central-1', account: '111122223333' } });
  build(stack);
  return Object.entries(Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine')).map(([logicalId, resource]) => {
    const definition: Definition = JSON.parse(resolve(resource.Properties.DefinitionString));
    return { definition, logicalId };
  });
}

export function allStates(definition: Definition): Record<string, State> {
  return Object.entries(definition.States).reduce((all, [name, state]) => {
    const inner = state.ItemProcessor ?? state.Iterator;
    return { ...all, [name]: state, ...(inner === undefined ? {} : allStates(inner)) };
  }, {});
}

export class AwsTaskError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface Run {
  readonly output?: Json;
  readonly error?: { name: string; cause: string };
  /** Names of the states, in the order they were entered. */
  readonly trail: string[];
}

/**
 * Runs a definition by the ASL engine. `tasks` stand in for its task states, by name; waits and retries take no time.
 * `now` is what `$$.State.EnteredTime` says. The definition's own timeout is left out: it would count real time.
 */
export async function run(definition: Definition, input: Json, tasks: Record<string, Task>, now: () => string, executionId = 'arn:aws:states:eu-central-1:111122223333:execution:machine:run-1'): Promise<Run> {
  const states = allStates(definition);
  const names = (type: string) => Object.entries(states).filter(([, state]) => state.Type === type).map(([name]) => name);
  const missing = names('Task').filter((name) => tasks[name] === undefined);
  if (missing.length > 0) throw new Error(`no stand-in for ${missing.join(', ')}`);
  const untimed = JSON.parse(JSON.stringify({ ...definition, TimeoutSeconds: undefined }));
  const machine = new StateMachine(untimed, { validationOptions: { checkArn: false } });
  const execution = machine.run(input, {
    overrides: {
      taskResourceLocalHandlers: Object.fromEntries(names('Task').map((name) => [name, async (value: unknown) => {
        const answer = await tasks[name](JSON.parse(JSON.stringify(value)));
        return answer === undefined ? null : JSON.parse(JSON.stringify(answer));
      }])),
      waitTimeOverrides: Object.fromEntries(names('Wait').map((name) => [name, 0])),
      retryIntervalOverrides: Object.fromEntries(Object.keys(states).map((name) => [name, 0])),
    },
    context: {
      Execution: { Id: executionId, Name: executionId.split(':').pop(), Input: input },
      StateMachine: { Id: executionId.replace(':execution:', ':stateMachine:').replace(/:[^:]+$/, '') },
      State: { get EnteredTime() { return now(); }, RetryCount: 0 },
    },
  });
  const trail: string[] = [];
  const reading = (async () => {
    for await (const event of execution.eventLogs) {
      if (event.type === 'StateEntered') trail.push(event.state.name);
    }
  })();
  try {
    const output = await execution.result;
    await reading;
    return { output, trail };
  } catch (error) {
    await reading;
    // the engine wraps what failed the execution
    const failure = error instanceof Error && error.cause instanceof Error ? error.cause : error as Error;
    return { error: { name: failure.name, cause: failure.message }, trail };
  }
}
