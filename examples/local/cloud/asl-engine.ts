import { readFileSync } from 'fs';
import { createRequire } from 'module';
import { Clock, Json, JsonObject } from './types';

/** What a state machine's definition looks like; states stay JSON. */
export interface Definition {
  readonly StartAt: string;
  readonly States: Record<string, JsonObject>;
  readonly TimeoutSeconds?: number;
  readonly [member: string]: unknown;
}

/** What the run is told on the way. */
export interface RunObserver {
  entered(state: string, type: string, input: Json): void;
  exited(state: string, type: string, output: Json): void;
  failed(state: string, type: string, error: Error): void;
}

export interface RunOptions {
  /** The whole context object but for `State`. */
  readonly context: JsonObject;
  readonly tasks: Record<string, (input: Json) => Promise<Json>>;
  readonly observer: RunObserver;
}

export interface Run {
  readonly result: Promise<Json>;
  abort(): void;
}

/** The few names of the engine that are used; most of them are private to it, so its version is pinned and they are checked. */
interface EngineModule {
  StateMachine: new (definition: unknown, options: unknown) => {
    run(input: Json, options: unknown): { result: Promise<Json>; abort(): void };
  };
  StateExecutor: { prototype: Executor };
  BaseIntrinsicFunction: { prototype: IntrinsicFunction };
  StatesFormat: new () => IntrinsicFunction;
}

interface IntrinsicFunction {
  call(input: Json, context: JsonObject, ...parameters: string[]): Json;
  execute(...values: Json[]): Json;
}

interface Executor {
  stateName: string;
  stateDefinition: { Type: string };
  retrierAttempts: number[];
  /** When the state was entered; ours. */
  enteredAt?: string;
  execute(input: Json, context: JsonObject, options: ExecutorOptions): Promise<Json>;
}

interface ExecutorOptions {
  readonly runOptions: { readonly context: JsonObject; readonly observer: RunObserver };
}

const load = createRequire(__filename);

/**
 * The ASL engine (aws-local-stepfunctions) under a clock.
 *
 * Its module is compiled once per clock with `setTimeout`, `clearTimeout` and `Date` of that clock in scope. Three
 * things of the engine differ from Step Functions and are put right here: paths that may match several values answer
 * a list even for none or one, the context object knows the state and keeps the execution's own input in branches, and
 * intrinsic functions leave the backslashes of data alone.
 */
export class AslEngine {
  private readonly module: EngineModule;

  constructor(clock: Clock) {
    const file = load.resolve('aws-local-stepfunctions');
    const cancels = new Map<number, () => void>();
    let count = 0;
    const timeout = (task: () => void, milliseconds: number): number => {
      const id = ++count;
      // States without a timeout have one of three years, as Step Functions does: not worth a timer each.
      if (milliseconds < NEVER_MILLISECONDS) cancels.set(id, clock.after(milliseconds, () => { cancels.delete(id); task(); }, 'state machine timer'));
      return id;
    };
    const clear = (id: number): void => {
      cancels.get(id)?.();
      cancels.delete(id);
    };
    const source = `${readFileSync(file, 'utf8')}\nmodule.exports = { StateMachine, StateExecutor, BaseIntrinsicFunction, StatesFormat };`;
    const module = { exports: {} as EngineModule };
    const compiled = new Function('require', 'module', 'exports', 'setTimeout', 'clearTimeout', 'Date', source) as (...args: unknown[]) => void;
    compiled(engineRequire(createRequire(file)), module, module.exports, timeout, clear, dateOf(clock));
    this.module = module.exports;
    this.patch(clock);
    keepBackslashes(this.module);
  }

  /** Throws where the definition is not valid ASL. */
  validate(definition: Definition): void {
    void new this.module.StateMachine(definition, { validationOptions: { checkArn: true, checkPaths: true } });
  }

  run(definition: Definition, input: Json, options: RunOptions): Run {
    const machine = new this.module.StateMachine(definition, { validationOptions: { noValidate: true } });
    const { result, abort } = machine.run(input, {
      context: options.context, observer: options.observer, overrides: { taskResourceLocalHandlers: options.tasks },
    });
    return { result, abort };
  }

  private patch(clock: Clock): void {
    const prototype = this.module.StateExecutor.prototype;
    const original = prototype.execute;
    prototype.execute = async function (this: Executor, input, context, options) {
      const { observer, context: root } = options.runOptions;
      const type = this.stateDefinition.Type;
      const isRetry = this.enteredAt !== undefined;
      this.enteredAt ??= clock.now().toISOString();
      if (!isRetry) observer.entered(this.stateName, type, input);
      const RetryCount = this.retrierAttempts.reduce((sum, attempts) => sum + attempts, 0);
      const own = { ...context, ...root, State: { Name: this.stateName, EnteredTime: this.enteredAt, RetryCount } };
      try {
        const result = await original.call(this, input, own, options);
        if (!isRetry) observer.exited(this.stateName, type, (result as { stateResult: Json }).stateResult);
        return result;
      } catch (error) {
        if (!isRetry) observer.failed(this.stateName, type, error as Error);
        throw error;
      }
    };
  }
}

/** The engine takes every backslash out of what an intrinsic function answers, instead of those that escape something in a literal. */
function keepBackslashes({ BaseIntrinsicFunction: { prototype }, StatesFormat }: EngineModule): void {
  const hide = (value: Json): Json => typeof value === 'string' ? value.replaceAll('\\', HIDDEN) : value;
  const show = (value: Json): Json => typeof value === 'string' ? value.replaceAll(HIDDEN, '\\') : value;
  const { call } = prototype;
  prototype.call = function (this: IntrinsicFunction, input, context, ...parameters) {
    const isFormat: boolean = this instanceof StatesFormat;
    const execute = (...values: Json[]): Json => isFormat
      ? this.execute(values[0], ...values.slice(1).map(hide))
      : hide(this.execute(...values));
    return show(call.call(Object.assign(Object.create(this) as IntrinsicFunction, { execute }), input, context, ...parameters));
  };
}

/** Stands for a backslash; a character that Unicode gives to nobody. */
const HIDDEN = '\uE05C';

export const NEVER_SECONDS = 99_999_999;
const NEVER_MILLISECONDS = NEVER_SECONDS * 1000;

/** `require` for the engine: it calls no AWS client of its own here, and asks for JSON paths through ours. */
function engineRequire(original: NodeJS.Require): (id: string) => unknown {
  return (id) => {
    if (id.startsWith('@aws-sdk/')) return {};
    if (id !== 'jsonpath-plus') return original(id);
    const { JSONPath } = original(id) as { JSONPath: (options: { path: string; json: Json; wrap: boolean }) => unknown };
    return {
      JSONPath: ({ path, json }: { path: string; json: Json }) => DEFINITE.test(path) ? definite(path, json) : JSONPath({ path, json, wrap: true }),
    };
  };
}

const STEP = /\.([^.[\]*]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]/g;
const DEFINITE = /^\$(\.[^.[\]*()?]+|\['[^']+'\]|\["[^"]+"\]|\[\d+\])*$/;

function definite(path: string, json: Json): Json | undefined {
  let at: Json | undefined = json;
  for (const [, name, single, double, index] of path.slice(1).matchAll(STEP)) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Array.isArray(at) ? at[Number(index)] : Object.hasOwn(at, name ?? single ?? double) ? at[name ?? single ?? double] : undefined;
  }
  return at;
}

function dateOf(clock: Clock): DateConstructor {
  class ClockDate extends Date {
    static now(): number {
      return clock.now().getTime();
    }

    constructor(...values: [] | [string | number | Date]) {
      if (values.length === 0) super(clock.now());
      else super(values[0]);
    }
  }
  return ClockDate as unknown as DateConstructor;
}
