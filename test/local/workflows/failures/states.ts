import { readFileSync } from 'fs';
import * as path from 'path';
import { Stack } from 'aws-cdk-lib';
import { JsonObject } from '../../../../examples/local/cloud/types';
import { Clouds } from '../../cloud-support';

/** What may happen to a state. `passes` and `killed` happen once, all others for as long as the execution lasts. */
export const FAILURES = ['passes', 'stays', 'killed', 'timeout', 'abort'] as const;
export type Failure = (typeof FAILURES)[number];

/** What a service other than Lambda answers where it is done and the answer is lost, as far as single errors are retried. */
const SERVICES_OUT_OF_ORDER = ['StepFunctions.AWSStepFunctionsException'];

/** A state machine of the app and its states, as synthesized. */
export interface Machine {
  readonly logicalId: string;
  /** The logical id without its hash. */
  readonly name: string;
  /** Each state, inner ones as well. */
  readonly states: ReadonlyMap<string, State>;
}

export interface State {
  readonly kind: string;
  /** Errors after which it is tried again. */
  readonly retried: readonly string[];
}

/** One failure of one state. */
export interface FailureRun {
  readonly machine: Machine;
  readonly state: string;
  readonly failure: Failure;
}

/** What can happen to a state of a kind: only a task can fail, and only in a task or a wait is an execution long enough to be stopped. */
function failuresOf(kind: string): readonly Failure[] {
  switch (kind) {
    case 'Task': return FAILURES;
    case 'Wait':
    case 'Map':
    case 'Parallel': return ['abort'];
    default: return [];
  }
}

export function runsOf(machine: Machine): FailureRun[] {
  return [...machine.states].flatMap(([state, { kind }]) => failuresOf(kind).map((failure) => ({ machine, state, failure })));
}

/** Whether the state is tried again. A function of the user's that was killed is not: it may have failed by itself. */
export function isTriedAgain({ machine, state, failure }: FailureRun): boolean {
  const retried = machine.states.get(state)?.retried ?? [];
  return failure === 'passes' || (failure === 'killed' && ['States.ALL', 'Lambda.Unknown', ...SERVICES_OUT_OF_ORDER].some((error) => retried.includes(error)));
}

/** The state machines that an app synthesizes. */
export function machinesOf(build: (stack: Stack) => void): Machine[] {
  const clouds = new Clouds();
  try {
    const template = JSON.parse(readFileSync(path.join(clouds.synth(build), 'Test.template.json'), 'utf8')) as { Resources: Record<string, JsonObject> };
    return Object.entries(template.Resources)
      .filter(([, { Type }]) => Type === 'AWS::StepFunctions::StateMachine')
      .map(([logicalId, { Properties }]) => ({ logicalId, name: logicalId.replace(/[0-9A-F]{8}$/, ''), states: statesOf(definitionOf(Properties as JsonObject)) }));
  } finally {
    void clouds.stop();
  }
}

function definitionOf({ DefinitionString: text }: JsonObject): JsonObject {
  const parts = typeof text === 'string' ? [text] : (text as { 'Fn::Join': [string, (string | JsonObject)[]] })['Fn::Join'][1];
  return JSON.parse(parts.map((part) => typeof part === 'string' ? part : 'token').join('')) as JsonObject;
}

function statesOf(definition: JsonObject): Map<string, State> {
  const found = new Map<string, State>();
  for (const [name, state] of Object.entries(definition.States as Record<string, JsonObject>)) {
    found.set(name, { kind: String(state.Type), retried: retriedBy(state) });
    const inner = [state.ItemProcessor, state.Iterator, ...(state.Branches ?? []) as JsonObject[]].filter((each) => each !== undefined);
    for (const each of inner) for (const [one, its] of statesOf(each as JsonObject)) found.set(one, its);
  }
  return found;
}

function retriedBy({ Retry = [] }: JsonObject): string[] {
  return (Retry as { ErrorEquals: string[]; MaxAttempts?: number }[])
    .filter(({ MaxAttempts }) => MaxAttempts !== 0)
    .flatMap(({ ErrorEquals }) => ErrorEquals);
}
