import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ReleaseHook, ReleaseHooks } from './release-hook';
import { ReleaseHookFunction } from './release-hook-function';
import { HOOK_POINTS, HookPoint } from '../domain/release-hook';
import { newHandler } from '../private/handler';
import { HandlerArea } from '../private/model-resources';
import { Problems } from '../private/problems';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { IModelEndpoint } from '../serving/model-endpoint';
import { invoke } from '../staging/workflow';

const path = sfn.JsonPath;
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };
const MOST_HOOKS = 10;

export interface HookStepsOptions {
  readonly hooks: ReleaseHooks;
  readonly registry: IModelRegistry;
  readonly endpoint: IModelEndpoint;
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
}

export interface HookRoutes {
  /** Path of the shadow's verdict, where there is one. */
  readonly verdict?: string;
  readonly proceed: sfn.IChainable;
  /** Goes on with the outcome at `$.judged`: hook, decision and reason. Made only where a hook may reject. */
  readonly rejected: () => sfn.IChainable;
  /** The machinery itself has failed, the error being at `$.failure`. */
  readonly broken: sfn.IChainable;
}

/** The hooks of a release, and the function that keeps what they say. There is none where there are no hooks. */
export class HookKeeper extends Construct {
  public readonly functions: lambda.IFunction[] = [];
  public readonly machines: sfn.IStateMachine[] = [];
  private readonly keeper?: lambda.IFunction;

  constructor(scope: Construct, id: string, private readonly options: HookStepsOptions) {
    super(scope, id);
    const all = HOOK_POINTS.flatMap((at) => options.hooks[at] ?? []);
    if (all.length === 0) return;
    const { registry } = options;
    this.keeper = newHandler(this, ReleaseHookFunction, {
      area: HandlerArea.RELEASE, description: 'Keeps what hooks say about versions of a model', encryptionKey: options.encryptionKey,
    });
    grantSlot(this.keeper, registry, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
    this.functions = [this.keeper, ...all.flatMap((hook) => hook._functions())];
    this.machines = all.flatMap((hook) => hook._machines());
  }

  /** The states that ask the hooks of one point, of which the first is returned. */
  public steps(within: Construct, at: HookPoint, { verdict, proceed, rejected, broken }: HookRoutes): sfn.IChainable {
    const { registry, endpoint, eventBus, encryptionKey } = this.options;
    const { keeper } = this;
    const hooks = this.options.hooks[at] ?? [];
    if (keeper === undefined || hooks.length === 0) return proceed;
    const point = `${at.charAt(0).toUpperCase()}${at.slice(1)}`;
    const steps = new Construct(within, `${point}Hooks`);
    const common = { table: registry.ledger.tableName, version: path.stringAt('$.acquired.slot.version'), time: path.stringAt('$$.State.EnteredTime'), at };

    const refused = rejected();
    const first = hooks.reduceRight<sfn.IChainable>((next, hook, i) => {
      const id = `${point}${i + 1}`;
      const payload = { ...common, key: id, hook: hook._name };
      const decided = new sfn.Choice(steps, `Does${id}Proceed`).when(sfn.Condition.stringEquals('$.judged.decision', 'proceed'), next).otherwise(refused);
      const judge = (name: string, more: Record<string, unknown>) =>
        invoke(steps, name, keeper, { ...payload, ...more }, '$.judged').addCatch(broken, ON_ERROR).next(decided);
      return hook._ask({
        steps,
        id,
        at,
        registry,
        eventBus,
        encryptionKey,
        keeper,
        payload,
        decided,
        answered: judge(`Judge${id}`, { action: 'judge', answer: path.objectAt('$.asked.answer') }),
        failed: () => judge(`Judge${id}Failure`, { action: 'judgeFailure', failure: path.objectAt('$.unanswered'), timeout: hook._timeout.toHumanString() }),
        broken,
      });
    }, proceed);
    const prepare = invoke(steps, `Prepare${point}`, keeper, {
      ...common,
      action: 'prepare',
      model: registry.modelName,
      endpoint: endpoint.endpointName,
      modelPackageArn: path.stringAt('$.acquired.slot.modelPackageArn'),
      ...(verdict === undefined ? {} : { verdict: path.objectAt(verdict) }),
    }, '$.hooked').addCatch(broken, ON_ERROR);
    return prepare.next(first);
  }
}

/** Notes all that is wrong with hooks, before anything is made of them. */
export function checkHooks(problems: Problems, hooks: ReleaseHooks): void {
  const seen = new Set<ReleaseHook>();
  for (const at of HOOK_POINTS) {
    const given = hooks[at] ?? [];
    problems.check(given.length <= MOST_HOOKS, `hooks.${at} must be at most ${MOST_HOOKS} hooks, got ${given.length}`);
    given.forEach((hook, i) => {
      problems.note(...hook._problems().map((problem) => `hooks.${at}[${i}]: ${problem}`));
      problems.check(!hook._once || !seen.has(hook), `hooks.${at}[${i}]: the approval '${hook._name}' is given twice: make one of its own for each place`);
      seen.add(hook);
    });
  }
}
