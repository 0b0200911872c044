import { Duration, Lazy, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { approvalSteps, ApprovalUrl } from './approval-steps';
import { askLambda, askStateMachine } from './hook-asks';
import { HookRun } from './hook-run';

/** Options of a hook that is a function or a state machine. */
export interface ReleaseHookOptions {
  /**
   * Name of the hook, as the ledger, events and alerts tell it: 1 to 40 letters, digits, spaces, `_`, `.` and `-`.
   *
   * @default - the id of the function's or the state machine's construct
   */
  readonly name?: string;
  /**
   * How long the release waits for an answer; without one by then the version is rejected. A function may take 1 second
   * to 15 minutes, a state machine 1 second to 7 days.
   *
   * @default - 15 minutes for a function, 1 hour for a state machine
   */
  readonly timeout?: Duration;
}

/** Options of a manual approval. */
export interface ReleaseApprovalOptions {
  /**
   * Name of the hook, as the ledger, events and alerts tell it: 1 to 40 letters, digits, spaces, `_`, `.` and `-`.
   *
   * @default 'approval'
   */
  readonly name?: string;
  /**
   * How long the release waits for an answer, 5 minutes to 7 days. A version that nobody has approved by then is rejected.
   *
   * @default Duration.days(1)
   */
  readonly window?: Duration;
}

/** Hooks of a release, asked one after the other in the order given. The first that rejects ends the release. */
export interface ReleaseHooks {
  /**
   * Asked before the version is tried on anything. At most 10.
   *
   * @default - nobody is asked
   */
  readonly beforeShadow?: ReleaseHook[];
  /**
   * Asked after the shadow's verdict, and only where it is to promote, before any production traffic moves. At most 10.
   *
   * @default - nobody is asked
   */
  readonly beforePromotion?: ReleaseHook[];
  /**
   * Asked when all production traffic is on the version and its watch window is over, before it counts as being in
   * production. A rejection takes the version back. At most 10.
   *
   * @default - nobody is asked
   */
  readonly afterPromotion?: ReleaseHook[];
}

/**
 * Somebody else's say in a release. A hook gets `{"model", "endpoint", "version", "modelPackageArn", "at", "evaluation",
 * "verdict"?}`, `at` being `beforeShadow`, `beforePromotion` or `afterPromotion` and `verdict` the shadow's from then on, and
 * answers `{"decision": "proceed"}` or `{"decision": "reject", "reason": "…"}`. Every other answer, a failure, and no answer
 * in time reject as well: the version becomes `Rejected`, or `RolledBack` after promotion, with the hook's name and reason.
 *
 * @example
 * declare const fairness: lambda.IFunction;
 * declare const approvers: iam.IRole;
 * const approval = ReleaseHook.approval({ window: Duration.days(2) });
 * approval.grantApprove(approvers);
 * const hooks: ReleaseHooks = { beforePromotion: [ReleaseHook.lambda(fairness), approval] };
 */
export abstract class ReleaseHook {
  /**
   * Asks a function. It is invoked once, not again where it fails.
   *
   * @param handler answers with its result
   */
  public static lambda(handler: lambda.IFunction, options: ReleaseHookOptions = {}): ReleaseHook {
    return new LambdaHook(handler, options);
  }

  /**
   * Asks a state machine. Its input is what a hook gets, its output is the answer.
   *
   * @param machine a standard state machine, whose execution is waited for
   */
  public static stateMachine(machine: sfn.IStateMachine, options: ReleaseHookOptions = {}): ReleaseHook {
    return new StateMachineHook(machine, options);
  }

  /** Asks a person who is not the author of the commit. */
  public static approval(options: ReleaseApprovalOptions = {}): ReleaseApproval {
    return ReleaseApproval._of(options);
  }

  /** @internal */
  public abstract readonly _name: string;
  /** How long an answer may take. @internal */
  public abstract readonly _timeout: Duration;
  /** Shortest and longest time for an answer. @internal */
  protected abstract readonly _limits: { readonly member: string; readonly least: Duration; readonly most: Duration };

  /** Whether it can be asked in one place only. @internal */
  public readonly _once: boolean = false;

  /** The states that ask, of which the first is returned. @internal */
  public abstract _ask(run: HookRun): sfn.State;

  /** Functions that the release invokes to ask. @internal */
  public _functions(): lambda.IFunction[] {
    return [];
  }

  /** State machines that the release starts to ask. @internal */
  public _machines(): sfn.IStateMachine[] {
    return [];
  }

  /** What is wrong with the options, in words. @internal */
  public _problems(): string[] {
    const { member, least, most } = this._limits;
    const named = Token.isUnresolved(this._name) || /^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$/.test(this._name);
    const seconds = this._timeout.isUnresolved() ? least.toSeconds() : this._timeout.toSeconds({ integral: false });
    return [
      ...(named ? [] : [`name must be 1 to 40 letters, digits, spaces, '_', '.' and '-', the first a letter or a digit, got '${this._name}'`]),
      ...(seconds >= least.toSeconds() && seconds <= most.toSeconds()
        ? [] : [`${member} must be ${least.toHumanString()} to ${most.toHumanString()}, got ${this._timeout.toHumanString()}`]),
    ];
  }
}

/** The name that a construct's id gives a hook. */
function nameFrom(id: string): string {
  return id.replace(/[^A-Za-z0-9 _.-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 40) || 'hook';
}

class LambdaHook extends ReleaseHook {
  public readonly _name: string;
  public readonly _timeout: Duration;
  protected readonly _limits = { member: 'timeout', least: Duration.seconds(1), most: Duration.minutes(15) };

  constructor(private readonly handler: lambda.IFunction, options: ReleaseHookOptions) {
    super();
    this._name = options.name ?? nameFrom(handler.node.id);
    this._timeout = options.timeout ?? Duration.minutes(15);
  }

  public _functions(): lambda.IFunction[] {
    return [this.handler];
  }

  public _ask(run: HookRun): sfn.State {
    return askLambda(run, this.handler, this._timeout);
  }
}

class StateMachineHook extends ReleaseHook {
  public readonly _name: string;
  public readonly _timeout: Duration;
  protected readonly _limits = { member: 'timeout', least: Duration.seconds(1), most: Duration.days(7) };

  constructor(private readonly machine: sfn.IStateMachine, options: ReleaseHookOptions) {
    super();
    this._name = options.name ?? nameFrom(machine.node.id);
    this._timeout = options.timeout ?? Duration.hours(1);
  }

  public _machines(): sfn.IStateMachine[] {
    return [this.machine];
  }

  public _ask(run: HookRun): sfn.State {
    return askStateMachine(run, this.machine, this._timeout);
  }
}

/**
 * A person's approval, by a signed request to a function URL. The question goes out as the event `ApprovalRequested` and,
 * where there are `Alerts`, as an alert that says how to answer: `POST {"version", "decision": "approve" | "reject",
 * "reason"}`, signed for the service `lambda`. A rejection needs a reason.
 *
 * The author of the commit is refused, whatever their role may do: that is an identity whose user, role or session name is
 * the name, the address or the part of the address before the @ that git has for the author. Hence sessions of a role that
 * several people share must carry the person's name, which the role's trust policy can demand by `sts:RoleSessionName`.
 * A version whose author the build could not tell is rejected at once; of commits that come by `ModelSource.connection` that is
 * every one, and `RegressionModel` says so when it is synthesized. One approval belongs to one place of one release.
 *
 * @example
 * declare const leads: iam.IRole;
 * const approval = ReleaseHook.approval({ name: 'four eyes' });
 * approval.grantApprove(leads);
 */
export class ReleaseApproval extends ReleaseHook {
  /** @internal */
  public static _of(options: ReleaseApprovalOptions): ReleaseApproval {
    return new ReleaseApproval(options);
  }

  /** Where answers are sent to. Known once the approval is part of a `ReleaseWorkflow`. */
  public readonly url: string;
  /** @internal */
  public readonly _name: string;
  /** @internal */
  public readonly _timeout: Duration;
  /** @internal */
  public readonly _once = true;
  /** @internal */
  protected readonly _limits = { member: 'window', least: Duration.minutes(5), most: Duration.days(7) };
  private readonly approvers: iam.IGrantable[] = [];
  private made?: ApprovalUrl;

  private constructor(options: ReleaseApprovalOptions) {
    super();
    this._name = options.name ?? 'approval';
    this._timeout = options.window ?? Duration.days(1);
    this.url = Lazy.string({
      produce: () => {
        if (this.made === undefined) throw new Error(`the approval '${this._name}' has no URL: it is not part of a ReleaseWorkflow`);
        return this.made.url;
      },
    });
  }

  /**
   * Lets somebody of this account approve and reject versions, except their own.
   *
   * @param grantee who answers, for example a role of team leads
   */
  public grantApprove(grantee: iam.IGrantable): void {
    this.approvers.push(grantee);
    this.made?.grantAnswer(grantee);
  }

  /** @internal */
  public _problems(): string[] {
    return [...super._problems(), ...(this.made === undefined ? [] : ['this approval is asked already: make one of its own for each place'])];
  }

  /** @internal */
  public _ask(run: HookRun): sfn.State {
    this.made = new ApprovalUrl(run.steps, `Approval${run.id}`, { registry: run.registry, key: run.id, encryptionKey: run.encryptionKey });
    for (const approver of this.approvers) this.made.grantAnswer(approver);
    return approvalSteps(run, this.made, this._timeout);
  }
}
