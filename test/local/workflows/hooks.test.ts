import { aws_iam as iam, aws_lambda as lambda, aws_stepfunctions as sfn, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { lineApp } from './line-app';
import { expectAccount, expectProduction, stagesOf } from './line-expectations';
import { VersionItem } from './line-view';
import { LineWorld } from './line-world';
import { Execution } from '../../../examples/local/cloud/executions';
import { Lambda } from '../../../examples/local/cloud/lambda';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';
import { authorization } from '../../../examples/local/cloud/wire';
import { ReleaseHook } from '../../../src';

const AUTHOR = 'Ada Lovelace <ada@example.com>';
const BEFORE_SHADOW: Record<string, string> = {
  'V1.0.0': '({ decision: "reject", reason: "the licence of \\"x\\" is missing" })',
  'V1.1.0': '(() => { throw new RangeError("out of luck"); })()',
  'V1.2.0': '"yes, why not"',
  'V1.3.0': 'new Promise(() => undefined)',
};

/** Hooks that answer by the number of the version. */
function hookedApp(stack: Stack): void {
  const hook = (id: string, code: string, timeout = Duration.seconds(10)) => new lambda.Function(stack, id, {
    runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code: lambda.Code.fromInline(`exports.handler = async ({ version }) => ${code};`), timeout,
  });
  const cases = Object.entries(BEFORE_SHADOW).map(([version, code]) => `version === "${version}" ? ${code} : `).join('');
  const isOneOf = (...versions: string[]) => sfn.Condition.or(...versions.map((version) => sfn.Condition.stringEquals('$.version', version)));
  const answers = (id: string, value: object) => new sfn.Pass(stack, id, { result: sfn.Result.fromObject(value) });
  const wait = new sfn.Wait(stack, 'Slow', { time: sfn.WaitTime.duration(Duration.hours(2)) });
  wait.next(answers('TooLate', { decision: 'proceed' }));
  const fairness = new sfn.StateMachine(stack, 'Fairness', {
    definitionBody: sfn.DefinitionBody.fromChainable(new sfn.Choice(stack, 'ByVersion')
      .when(isOneOf('V1.4.0', 'V1.7.0', 'V1.10.0'), answers('Unfair', { decision: 'reject', reason: 'north is worse' }))
      .when(isOneOf('V1.5.0', 'V1.8.0'), new sfn.Fail(stack, 'Broken', { error: 'NoData', cause: 'no rows of the north' }))
      .when(isOneOf('V1.6.0', 'V1.9.0'), wait)
      .otherwise(answers('Fair', { decision: 'proceed', reason: 'no segment is worse' }))),
  });
  const approval = ReleaseHook.approval({ name: 'four eyes', window: Duration.hours(6) });
  for (const name of ['lead', 'ada']) approval.grantApprove(new iam.Role(stack, name, { roleName: name, assumedBy: new iam.AccountRootPrincipal() }));
  new iam.Role(stack, 'stranger', { roleName: 'stranger', assumedBy: new iam.AccountRootPrincipal() });
  lineApp(stack, {
    beforeShadow: [ReleaseHook.lambda(hook('Licences', `${cases}({ decision: "proceed" })`))],
    beforePromotion: [ReleaseHook.stateMachine(fairness, { name: 'fairness' }), approval],
    afterPromotion: [ReleaseHook.lambda(hook('Smoke', '["V1.13.0", "V1.19.0"].includes(version) ? { decision: "reject", reason: "smoke" } : { decision: "proceed" }'))],
  });
  new CfnOutput(stack, 'ApprovalUrl', { value: approval.url });
  new CfnOutput(stack, 'FairnessArn', { value: fairness.stateMachineArn });
}

let world: LineWorld;
beforeAll(async () => {
  world = await LineWorld.start(hookedApp);
  for (const name of ['lead', 'ada', 'stranger']) world.cloud.restrict(roleOf(name));
  world.traffic.level = 5;
  await world.publish({ level: 5 });
  await world.news();
});
afterAll(() => world.stop());
afterEach(() => {
  jest.restoreAllMocks();
  expect(world.cloud.faults).toEqual([]);
});

const roleOf = (name: string) => `arn:aws:iam::${world.cloud.account}:role/${name}`;

async function merge(author: string | undefined = AUTHOR): Promise<VersionItem> {
  const execution = await world.train({ ...world.built(), ...(author === '' ? {} : { author }) });
  return world.version((JSON.parse(execution.output!) as { version: string }).version);
}

/** Answers a question about a version, as somebody. */
async function answer(name: string, body: object): Promise<{ status: number; message: string }> {
  const { cloud } = world;
  const sent = await fetch(cloud.find(Lambda).urls.localUrl(cloud.outputs.get('Test')!.ApprovalUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'authorization': authorization(cloud.environment(roleOf(name)).AWS_ACCESS_KEY_ID, cloud.region, 'lambda') },
    body: JSON.stringify(body),
  });
  return { status: sent.status, message: (await sent.json() as { message: string }).message };
}

/** Lets a release go on until it waits for an approval; answers the event and the alert that ask for it. */
async function asked(): Promise<{ detail: JsonObject; alert: string }> {
  let found: { detail: JsonObject; alert: string } | undefined;
  await world.traffic.playUntil(async () => {
    const { events, alerts } = await world.news();
    const event = events.find(({ type }) => type === 'ApprovalRequested');
    if (event !== undefined) found = { detail: event.detail, alert: alerts.join() };
    return found !== undefined;
  }, world.in(60));
  return found!;
}

async function expectRejected({ version }: VersionItem, reason: RegExp): Promise<string> {
  await world.until(() => !world.releasing);
  const record = await world.version(version);
  expect(stagesOf(record)).toEqual(['Registered', 'Staging', 'Rejected']);
  expect(record.reason).toMatch(reason);
  expect(await world.registered(record)).toMatchObject({ approval: 'Rejected', stage: 'Rejected', status: 'Failed' });
  expect(await world.hosted(record)).toEqual([]);
  expect(await world.queue()).toEqual([]);
  const news = await world.news();
  const account = await expectAccount(world, record, 'ReleaseRejected', news);
  expect(news.alerts.filter((alert) => !alert.includes('waits for an approval'))).toHaveLength(1);
  return account;
}

test.each([
  ['rejects', /^the hook Licences before the shadow rejects it: the licence of "x" is missing$/],
  ['fails', /^the hook Licences before the shadow rejects it, for it failed: RangeError: out of luck$/],
  ['answers nonsense', /^the hook Licences before the shadow rejects it, for its answer is neither proceed nor reject: "yes, why not"$/],
  ['does not answer', /^the hook Licences before the shadow rejects it, for it failed: Sandbox.Timedout: .*Task timed out after 10.00 seconds$/],
])('a function that %s rejects, before the version is tried on anything', async (_, reason) => {
  expect(await expectRejected(await merge(), reason)).toContain(' Hook Licences before the shadow: reject.');
  expect(world.executions(world.out.Staging)).toEqual([]);
});

/** Loses the answer to whoever asks the state machine next, once. */
const loseAnswer = () => world.cloud.find(StepFunctions).interfere({ machineArn: world.out.Release, state: 'AskBeforePromotion1', kind: 'killed', attempts: 1 });

/** Whoever looks at an execution of the hook is told for so long that it still runs: Step Functions says that it may be behind. */
function tellLate(seconds: number): () => void {
  const { describe } = Execution.prototype;
  const spy = jest.spyOn(Execution.prototype, 'describe').mockImplementation(function (this: Execution) {
    const told = describe.call(this);
    const ended = this.machine.arn === fairnessArn() ? this.stopped : undefined;
    const isBehind = ended !== undefined && world.cloud.clock.now().getTime() < ended.getTime() + seconds * 1000;
    const known = ['executionArn', 'stateMachineArn', 'name', 'startDate', 'input', 'inputDetails'];
    return isBehind ? { ...Object.fromEntries(known.map((member) => [member, told[member]])), status: 'RUNNING' } : told;
  });
  return () => spy.mockRestore();
}

const fairnessArn = () => world.cloud.outputs.get('Test')!.FairnessArn;
const UNFAIR = [
  ['rejects', /^the hook fairness before promotion rejects it: north is worse$/, 'SUCCEEDED'],
  ['fails', /^the hook fairness before promotion rejects it, for it failed: NoData: no rows of the north$/, 'FAILED'],
  ['is late', /^the hook fairness before promotion rejects it, for it did not answer within 1 hour$/, 'ABORTED'],
] as const;
test.each([
  ...UNFAIR.map(([how, ...rest]) => [how, 'asked once', ...rest] as const),
  ...UNFAIR.map(([how, ...rest]) => [how, 'asked again, for its answer was lost', ...rest] as const),
  ['rejects', 'asked again, and not seen to have ended for 20 seconds', UNFAIR[0][1], 'SUCCEEDED'],
  ['agrees', 'asked again, and not seen to have ended for hours', UNFAIR[2][1], 'SUCCEEDED'],
] as const)('a state machine that %s, %s, rejects, before anything of production changes', async (_, asking, reason, status) => {
  const lost = asking === 'asked once' ? undefined : loseAnswer();
  const seen = tellLate(/hours/.test(asking) ? 7200 : /seconds/.test(asking) ? 20 : 0);
  const record = await merge();
  const account = await expectRejected(record, reason);
  seen();
  lost?.end();
  expect(lost?.hits ?? 1).toBe(1);
  expect(account).toContain(' Shadow promote, no version was in production; ');
  expect(account).toContain(' Hook Licences before the shadow: proceed. Hook fairness before promotion: reject.');
  expect(world.executions(world.out.Canary)).toEqual([]);
  const [hook, another] = world.executions(fairnessArn()).filter(({ name }) => name.includes(record.version.replaceAll('.', '-')));
  expect(another).toBeUndefined();
  // nobody waits for one that is late any more
  expect(hook.status).toBe(status);
  const input = JSON.parse(hook.input) as JsonObject;
  expect(input).toMatchObject({
    model: 'Line', endpoint: 'line', version: record.version, modelPackageArn: record.modelPackageArn, at: 'beforePromotion', evaluation: { itemCount: 40 }, verdict: { decision: 'promote' },
  });
  expect(input.verdict).not.toHaveProperty('sequence');
});

test('what somebody else asks under the name of a release is no answer to it', async () => {
  const record = await merge();
  await world.until(() => world.executions(world.out.Staging).at(-1)?.status === 'RUNNING');
  const entered = world.executions(world.out.Release).at(-1)!.history
    .map(({ stateEnteredEventDetails: details }) => details as JsonObject | undefined).find((details) => details?.name === 'RunStaging')!;
  const { slot } = (JSON.parse(String(entered.input)) as { acquired: { slot: { releaseName: string } } }).acquired;
  const name = `${slot.releaseName}-BP1`;
  const forged = world.cloud.find(StepFunctions).startExecution(fairnessArn(), name, '{"version":"V1.0.0"}');
  await world.cloud.clock.busy(forged.ended);
  expect(forged.output).toContain('proceed');
  await expectRejected(record, new RegExp(`for it failed: HookNotAsked: somebody else has started .*:${name}, with another input$`));
});

test('the author may not approve, a stranger not even ask; after the approval a hook takes the first version back', async () => {
  const record = await merge();
  const { version } = record;
  const { detail, alert } = await asked();
  const until = new Date(Date.parse(String(detail.time)) + 6 * 3_600_000).toISOString();
  expect(detail).toMatchObject({ model: 'Line', endpoint: 'line', version, hook: 'four eyes', at: 'beforePromotion', author: AUTHOR, until });
  expect(String(detail.account)).toContain('Shadow promote, no version was in production');
  expect(alert).toContain(`line: ${version} by ${AUTHOR} waits for an approval (four eyes) until ${until}. To answer, send version, decision (approve or reject) and reason`);
  expect(alert).toContain(String(detail.url));

  expect(await answer('stranger', { version, decision: 'approve' })).toMatchObject({ status: 403, message: expect.stringContaining('lambda:InvokeFunctionUrl') as string });
  expect(await answer('ada', { version, decision: 'approve' })).toMatchObject({ status: 403, message: expect.stringContaining('nobody approves their own model') as string });
  expect(await answer('lead', { version })).toEqual({ status: 400, message: 'decision must be approve or reject' });
  expect(await answer('lead', { version: 'V9.9.9', decision: 'approve' })).toMatchObject({ status: 404 });
  expect((await world.version(version)).stage).toBe('Staging');
  expect(await answer('lead', { version, decision: 'approve', reason: 'seen' })).toEqual({ status: 200, message: `${version}: approve` });
  expect(await answer('lead', { version, decision: 'approve' })).toMatchObject({ status: 200 });
  expect(await answer('lead', { version, decision: 'reject', reason: 'no' })).toMatchObject({ status: 409 });

  await world.until(() => !world.releasing);
  const ended = await world.version(version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Staging', 'Canary', 'RolledBack']);
  expect(ended.reason).toBe('the hook Smoke after promotion rejects it: smoke');
  expect(ended.hooks).toMatchObject({ BeforePromotion2: { hook: 'four eyes', decision: 'proceed', reason: expect.stringMatching(/^approved by arn:aws:sts::\d+:assumed-role\/lead\/local at .*: seen$/) } });
  const news = await world.news();
  expect(await expectAccount(world, ended, 'ReleaseRolledBack', news)).toMatch(/ Hook four eyes before promotion: proceed; approved by .*: seen\. Hook Smoke after promotion: reject\./);
  await world.until(async () => await world.endpoint() === undefined);
  expect(await world.champion()).toBeUndefined();
  expect(await answer('lead', { version, decision: 'approve' })).toMatchObject({ status: 410 });
});

test('a version that nobody approves in time is rejected, and so is one whose author is not known, at once', async () => {
  expect(await expectRejected(await merge(), /^the hook four eyes before promotion rejects it: nobody has approved it from .* to .*$/)).toContain('Hook fairness before promotion: proceed; no segment is worse.');
  const before = world.cloud.clock.now();
  await expectRejected(await merge(''), /^the hook four eyes before promotion rejects it: nobody can approve it, because the author of its commit is not known/);
  expect(world.cloud.clock.now().getTime() - before.getTime()).toBeLessThan(6 * 3_600_000);
});

test('an approver who rejects gives a reason', async () => {
  const record = await merge();
  await asked();
  expect(await answer('lead', { version: record.version, decision: 'reject' })).toEqual({ status: 400, message: 'a rejection needs a reason' });
  expect(await answer('lead', { version: record.version, decision: 'reject', reason: 'not today' })).toMatchObject({ status: 200 });
  await expectRejected(record, /^the hook four eyes before promotion rejects it: rejected by arn:.*\/lead\/local at .*: not today$/);
});

test('a release that is aborted while it waits for an approval is undone, and the answer comes too late', async () => {
  const record = await merge();
  await asked();
  await world.abort(world.executions(world.out.Release).at(-1)!.arn);
  await world.until(() => !world.releasing);
  const ended = await world.version(record.version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Staging', 'Rejected']);
  expect(await world.queue()).toEqual([]);
  const account = await expectAccount(world, ended, 'ReleaseRolledBack', await world.news());
  expect(account).toContain('was rejected: the release did not end by itself: its execution is ABORTED. ');
  expect(await answer('lead', { version: record.version, decision: 'approve' })).toEqual({ status: 410, message: `the release of ${record.version} is over` });
});

test('what all agree to goes into production; a later version that a hook takes back gives it back', async () => {
  const first = await merge();
  await asked();
  await answer('lead', { version: first.version, decision: 'approve' });
  await world.until(() => !world.releasing);
  await expectProduction(world, first, 5);
  const [endpoint, { failed }] = [await world.endpoint(), { ...world.traffic.counts }];

  const second = await merge();
  await asked();
  await answer('lead', { version: second.version, decision: 'approve' });
  await world.released();
  const ended = await world.version(second.version);
  expect(stagesOf(ended)).toEqual(['Registered', 'Staging', 'Canary', 'RolledBack']);
  expect(await world.endpoint()).toEqual(endpoint);
  expect(await world.champion()).toBe(first.version);
  const news = await world.news();
  expect(news.events.at(-1)).toMatchObject({ type: 'ReleaseRolledBack', detail: { version: second.version, restored: first.version, endpointConfigName: endpoint!.config } });
  expect(await expectAccount(world, ended, 'ReleaseRolledBack', news)).toMatch(new RegExp(`Shadow promote against ${first.version} on \\d+ pairs in \\d+ blocks of one hour, squared loss, tolerance 2 %, alpha 0.05, window 30 hours; `));
  expect(await world.hosted(ended)).toEqual([]);
  expect(world.traffic.counts.failed).toBe(failed);
});
