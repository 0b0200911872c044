import { aws_iam as iam, aws_lambda as lambda, aws_stepfunctions as sfn, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { machinesOf, FailureRun, runsOf } from './states';
import { ReleaseHook } from '../../../../src';
import { lineApp } from '../line-app';

/** What decides as soon as it can, so that many releases can be played. */
const PACE = {
  evaluateEvery: Duration.hours(22), minSamples: 20, reconcileEvery: Duration.hours(6), canary: Duration.minutes(12), watch: Duration.minutes(20),
};
const KEEP = 2;
/** Machines and states that are no part of a release: what leads up to a version or watches over it, and the user's own. */
const NOT_OF_THE_RELEASE = /^(Training|Registry|Fairness|ModelsRouter (StartDelivery|StartTraining|CallAlarm)$)/;

/**
 * What a hook says about a version, by the number of rows that the version was evaluated on: nothing else of what a hook is
 * given can be made up for a version.
 */
export const SAYS = {
  proceed: 40,
  rejectBeforeShadow: 41,
  failBeforeShadow: 42,
  rejectBeforePromotion: 43,
  failBeforePromotion: 44,
  rejectAfterPromotion: 45,
  failAfterPromotion: 46,
};
export type Says = keyof typeof SAYS;

/** Somebody who approves what they are asked for. */
export const APPROVER = 'lead';

/** Hooks of each kind: two functions, a state machine and an approval. */
function hooks(stack: Stack) {
  const says = (id: string, reject: Says, fail: Says) => ReleaseHook.lambda(new lambda.Function(stack, id, {
    runtime: lambda.Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline(`exports.handler = async ({ evaluation: { itemCount } }) => {
      if (itemCount === ${SAYS[fail]}) throw new RangeError("out of luck");
      return itemCount === ${SAYS[reject]} ? { decision: "reject", reason: "as it is" } : { decision: "proceed" };
    };`),
  }));
  const is = (what: Says) => sfn.Condition.numberEquals('$.evaluation.itemCount', SAYS[what]);
  const answers = (id: string, value: object) => new sfn.Pass(stack, id, { result: sfn.Result.fromObject(value) });
  const fairness = new sfn.StateMachine(stack, 'Fairness', {
    definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Choice(stack, 'ByRows')
      .when(is('rejectBeforePromotion'), answers('Unfair', { decision: 'reject', reason: 'as it is' }))
      .when(is('failBeforePromotion'), new sfn.Fail(stack, 'Broken', { error: 'NoData' }))
      .otherwise(answers('Fair', { decision: 'proceed' }))),
  });
  // it is looked for an answer 300 times within the window
  const approval = ReleaseHook.approval({ name: 'four eyes', window: Duration.days(4) });
  approval.grantApprove(new iam.Role(stack, 'Approver', { roleName: APPROVER, assumedBy: new iam.AccountRootPrincipal() }));
  new CfnOutput(stack, 'ApprovalUrl', { value: approval.url });
  return {
    beforeShadow: [says('Licences', 'rejectBeforeShadow', 'failBeforeShadow')],
    beforePromotion: [ReleaseHook.stateMachine(fairness, { name: 'fairness' }), approval],
    afterPromotion: [says('Smoke', 'rejectAfterPromotion', 'failAfterPromotion')],
  };
}

/** An app that failures are played on. */
export interface FailingApp {
  readonly name: string;
  readonly build: (stack: Stack) => void;
}

/** The release line with nothing beside it. */
export const PLAIN: FailingApp = { name: 'plain', build: (stack) => lineApp(stack, undefined, { keep: KEEP, pace: PACE }) };
/** With what can be added to it. */
export const FULL: FailingApp = { name: 'full', build: (stack) => lineApp(stack, hooks(stack), { keep: KEEP, pace: PACE, measured: true }) };

/** States that both have and only the second comes to. */
const ONLY_IN_FULL = ['Staging QueryChampionLosses'];

export const keyOf = ({ machine, state }: FailureRun): string => `${machine.name} ${state}`;

/** Every failure of every state of an app's releases. */
function allRunsOf({ build }: FailingApp): FailureRun[] {
  return machinesOf(build).flatMap(runsOf).filter((run) => !NOT_OF_THE_RELEASE.test(keyOf(run)));
}

/** The failures that are played on an app: on the second one those that it does not share with the first. */
export function failuresOf(app: FailingApp): FailureRun[] {
  const plain = allRunsOf(PLAIN).filter((run) => !ONLY_IN_FULL.includes(keyOf(run)));
  if (app === PLAIN) return plain;
  const played = new Set(plain.map(keyOf));
  return allRunsOf(app).filter((run) => !played.has(keyOf(run)));
}
