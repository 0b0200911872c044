import { html } from '../../examples/local/report/html';
import { Report } from '../../examples/local/report/report';
import { summary } from '../../examples/local/report/summary';
import { alertInWords, plain, plainName } from '../../examples/local/report/words';

const nested = 'RegressionPlatform-MlopsTemperatureStackNestedStackStackNestedStackResourceB602F12D-8244F988-QualityAlarmC35CBA8B-aaa88710e0';
const alarm = JSON.stringify({
  AlarmName: nested,
  AlarmDescription: 'The RMSE of RegressionPlatform-Mlops-Temperature-Stack-Endpoint-0FB0B463 exceeds 1.5 times the accepted one',
  OldStateValue: 'OK',
  NewStateValue: 'ALARM',
  NewStateReason: 'Threshold Crossed: 2 out of the last 3 datapoints [1.436069, 1.731067, 1.73191] were greater than the threshold (1.5) (minimum 2 datapoints for OK -> ALARM transition).',
});

const hour = (day: number) => new Date(Date.UTC(2024, 0, day)).toISOString();
const evaluation = { mse: 4, rmse: 2, mae: 1.5, r2: 0.5, item_count: 100 };
const quality = (version: string, day: number, mse: number) => ({
  version, from: hour(day), to: hour(day + 1), samples: 72, coverage: 1, mse, rmse: Math.sqrt(mse), mae: 1, r2: day === 3 ? null : 0.4,
});

const report: Report = {
  ok: true,
  seconds: 151.2,
  stack: ['RegressionPlatform'],
  data: { name: 'houses & <gardens>.csv', rows: 12_000, target: 'price', features: 3 },
  versions: [{
    version: 'V1.0.0',
    cause: 'manual',
    commit: 'a'.repeat(40),
    dataset: '20240101T003000000Z-0badcafe',
    evaluation,
    verdict: null,
    outcome: 'archived',
    reason: 'replaced by V1.0.1',
    history: [{ stage: 'Registered', at: hour(1), reason: '' }, { stage: 'Production', at: hour(1), reason: 'first' }, { stage: 'Archived', at: hour(5), reason: 'replaced' }],
    shares: [{ at: hour(1), share: 0 }, { at: hour(2), share: 1 }],
  }, {
    version: 'V1.0.1',
    cause: 'auto',
    commit: 'a'.repeat(40),
    dataset: '20240102T003000000Z-0badcafe',
    evaluation,
    outcome: 'production',
    reason: 'all traffic',
    account: 'V1.0.1 is in production: all traffic. Shadow promote against V1.0.0.',
    verdict: { decision: 'promote', pairs: 144, lower: -3, upper: -1, tolerance: 0.02, sequence: [{ pairs: 144, lower: -3, upper: -1 }] },
    history: [{ stage: 'Staging', at: hour(2), reason: 'compared' }, { stage: 'Canary', at: hour(4), reason: 'promote' }, { stage: 'Production', at: hour(5), reason: 'done' }],
    shares: [],
  }],
  rejected: [{ commit: 'b'.repeat(40), dataset: 'd', reason: 'RMSE 13.3350001 is worse' }],
  traffic: { sent: 300, answered: 299, failed: 1 },
  quality: [quality('V1.0.0', 1, 4), quality('V1.0.0', 2, 5), quality('V1.0.1 (shadow)', 2, 3), quality('V1.0.0', 3, 5), quality('V1.0.1 (shadow)', 3, 2), quality('V1.0.1', 6, 2)],
  alerts: [{ at: hour(6), name: `ALARM: "${nested}`, message: alarm }, { at: hour(7), name: 'RegressionPlatform-MlopsAlertsTopicC79A80B7-6ee1759bd3', message: `${hour(7)} houses: V1.2.0 was rejected: worse. Made of commit c` }],
  denied: [{ persona: 'RegressionPlatform-MlopsScientistRole393E49A0-6245ca8a5f', action: 'codepipeline:StopPipelineExecution', resource: 'arn:aws:codepipeline:eu-central-1:111122223333:RegressionPlatform-MlopsTemperatureStackNestedStackStackNestedStackResou-Delivery5F6C039D-db74358897', by: 'explicit deny' }],
  access: [
    { persona: 'DataEngineer', attempt: 'start the data pipeline', action: 'states:StartExecution', allowed: true, by: 'Start of EngineerPolicies' },
    { persona: 'DataScientist', attempt: 'start the data pipeline', action: 'states:StartExecution', allowed: false, by: 'implicit deny: no statement allows it' },
    { persona: 'DataScientist', attempt: 'stop a release', action: 'states:StopExecution', allowed: false, by: 'explicit deny: Workflows of MlopsProtectionDeny12BC02843' },
  ],
  checks: [{ step: 'a step', ok: true, detail: 'seen', shown: true }, { step: 'drift', ok: true, detail: 'RMSE 2 before, 2 after', shown: false }],
  standIns: [{ service: 'S3', by: 'ministack' }],
  timings: [{ step: 'the data', seconds: 1.25 }],
};

describe('the page', () => {
  test('needs nothing but itself', () => {
    const page = html(report);
    expect(page).not.toMatch(/https?:|<script|<link|<img|@import|url\(/);
    expect(page).toMatch(/^<!doctype html>/);
  });

  test('shows what was reported, without the names of machines', () => {
    const page = html(report);
    for (const text of ['V1.0.1', 'it came out', '1 of 1', '1 not shown by this data', 'houses &amp; &lt;gardens&gt;.csv', 'Quality alarm: alarm', 'Version rejected', 'Scientist role', 'promote after 144 pairs', 'Shadow promote against V1.0.0.']) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/NestedStack|NaN|undefined|Infinity|\{"Alarm/);
    expect((page.match(/<svg/g) ?? []).length).toBe(7);
  });

  test('says who may do what, and which statement denies it', () => {
    const [, section] = html(report).split('<h2>Who may do what</h2>');
    expect(section).toMatch(/Data engineer<\/th><th>Data scientist/);
    expect(section).toMatch(/Start the data pipeline<\/td><td><span class="ok"[^>]*>yes<\/span><\/td><td><span class="dim"[^>]*>no/);
    expect(section).toMatch(/Stop a release<\/td><td><\/td><td><span class="bad"[^>]*>no<\/span>.*Workflows of /);
    const whose = html({
      ...report, access: [...report.access ?? [], { persona: 'Client', attempt: 'stop a release', action: 'states:StopExecution', allowed: false, by: 'implicit deny: no statement allows it' }],
    });
    expect(whose).toMatch(/Workflows of [^<]* \(data scientist\); no statement allows it \(client\)</);
  });

  test('is there for a run that ended early', () => {
    const nothing = { versions: [], rejected: [], quality: [], alerts: [], denied: [], checks: [], standIns: [], timings: [] };
    const early = html({ ...report, ok: false, ...nothing });
    for (const text of ['it did not come out', 'no version was registered', 'nothing was recorded', 'no traffic was shifted', 'none']) expect(early).toContain(text);
    expect(early).not.toMatch(/NaN|Infinity/);
  });

  test('the screen has the versions as a table', () => {
    expect(summary(report)).toContain('V1.0.1   auto    2.00  0.50  promote (144 pairs)  production');
    expect(summary(report)).toContain('1 of 1 steps came out, 1 not shown by this data');
  });
});

describe('words', () => {
  test.each([
    [nested, 'quality alarm'],
    ['RegressionPlatform-Mlops-Temperature-Stack-Endpoint-0FB0B463', 'temperature endpoint'],
    ['arn:aws:sts::111122223333:assumed-role/RegressionPlatform-MlopsScientistRole393E49A0-6245ca8a5f/local', 'scientist role'],
  ])('%s', (name, words) => expect(plainName(name)).toBe(words));

  test('an alarm is a sentence', () => {
    expect(alertInWords('ALARM', alarm)).toEqual({
      kind: 'alarm',
      title: 'Quality alarm: alarm',
      text: 'The RMSE of temperature endpoint exceeds 1.5 times the accepted one: 2 of the last 3 values (1.436, 1.731, 1.732) above 1.5',
    });
  });

  test('what is no alarm stays as it is', () => {
    expect(alertInWords('Tamper attempt denied', '{not json').text).toBe('{not json');
    expect([
      'A candidate of the model Houses was rejected (gate): RMSE 12 [commit c, dataset d]',
      'houses: the release of V1.2.0 was taken back [now houses-1]. V1.2.0 was rejected: it broke',
      'houses: V1.2.0 was rejected: worse. Made of commit c',
      'houses: V1.2.0 is not to be promoted (reject; version in production: V1.1.0): worse',
      'houses: V1.2.0 by Ada waits for an approval (four eyes) until tomorrow.',
      'The model on houses has become worse: RMSE 3 [alarm a]',
      'something else',
    ].map((text) => alertInWords('MlopsAlertsTopic1', `${hour(1)} ${text}`).title)).toEqual([
      'Candidate rejected', 'Release taken back', 'Version rejected', 'Version rejected', 'Approval asked for', 'Quality degraded', 'Notice',
    ]);
    expect(plain('RMSE 13.335 against 9.1675')).toBe('RMSE 13.335 against 9.1675');
  });
});
