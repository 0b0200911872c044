import { CloudWatchClient, DescribeAlarmsCommand, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Athena } from '../../examples/local/athena/athena';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { Notifications } from '../../examples/local/cloud/notifications';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { CloudWatch } from '../../examples/local/cloudwatch/cloudwatch';
import { Glue } from '../../examples/local/glue/glue';
import { Alerts } from '../../src/access/alerts';
import { PipelineProtection } from '../../src/access/pipeline-protection';
import { QualityMonitor } from '../../src/monitoring/quality-monitor';
import { ModelEndpoint } from '../../src/serving/model-endpoint';
import { Clouds, START } from '../local/cloud-support';

const HOUR = 3_600_000;
const at = (hours: number): Date => new Date(START.getTime() + hours * HOUR);
const folder = (time: Date): string => time.toISOString().slice(0, 13).replace(/[-T]/g, '/');

describe('the monitor as synthesized, in the local cloud', () => {
  const clouds = new Clouds();
  let cloud: LocalCloud;
  let bucket = '';
  let person = '';

  beforeAll(async () => {
    cloud = await clouds.deploy((stack) => {
      const alerts = new Alerts(stack, 'Alerts');
      const endpoint = new ModelEndpoint(stack, 'Endpoint', { endpointName: 'houses' });
      new QualityMonitor(stack, 'Quality', { endpoint, alerts: alerts.topic, minSamples: 4 });
      const protection = new PipelineProtection(stack, 'Protection', { alerts: alerts.topic });
      const scientist = new iam.Role(stack, 'Scientist', { roleName: 'scientist', assumedBy: new iam.AccountRootPrincipal() });
      scientist.addToPolicy(new iam.PolicyStatement({ actions: ['*'], resources: ['*'] }));
      protection.protectAgainst(scientist);
    }, { standIns: [new CloudWatch(), new Glue(), new Athena()] });
    const buckets = [...cloud.resources.values()].filter(({ resource }) => resource.type === 'AWS::S3::Bucket');
    bucket = buckets.find(({ resource }) => /ObservationsBucket/.test(resource.logicalId))!.deployed.ref;
    person = `arn:aws:iam::${cloud.account}:role/scientist`;
    cloud.restrict(person);
  });

  afterAll(() => clouds.stop());

  /** Two predictions of `config` in an hour, whose labels, `error` off, arrive a day later. */
  const predict = async (hour: number, config: string, error: number): Promise<void> => {
    const lines = (make: (id: string, i: number) => object): string => ['x', 'y'].map((id, i) => `${JSON.stringify(make(`${id}${hour}`, i))}\n`).join('');
    await cloud.s3.put(bucket, `captures/${config}/houses/AllTraffic/${folder(at(hour))}/1.jsonl`, lines((id, i) => ({
      captureData: { endpointOutput: { data: `${i}\n`, encoding: 'CSV' } },
      eventMetadata: { eventId: `e${id}`, inferenceId: id, inferenceTime: at(hour).toISOString() },
      eventVersion: '0',
    })));
    await cloud.s3.put(bucket, `ground-truth/${folder(at(hour + 24))}/${hour}.jsonl`, lines((id, i) => ({
      groundTruthData: { data: `${i + error}`, encoding: 'CSV' }, eventMetadata: { eventId: id }, eventVersion: '0',
    })));
  };

  const metric = async (name: string, hour: number, version?: string): Promise<number | undefined> => {
    const answer = await cloud.client(CloudWatchClient).send(new GetMetricStatisticsCommand({
      Namespace: 'cdk-mlops',
      MetricName: name,
      Dimensions: [{ Name: 'Endpoint', Value: 'houses' }, { Name: 'Variant', Value: 'AllTraffic' }, ...version === undefined ? [] : [{ Name: 'ModelVersion', Value: version }]],
      StartTime: at(hour),
      EndTime: at(hour + 1),
      Period: 3600,
      Statistics: ['Average'],
    }));
    return answer.Datapoints?.[0]?.Average;
  };

  test('publishes figures by the hour, goes off where the model becomes worse, and tells it', async () => {
    await cloud.s3.put(bucket, 'deployments/a.jsonl', '{"config_name":"a","variant":"AllTraffic","version":"V1.0.0","rmse":1,"released_at":"2013-03-01T00:00:00Z"}\n');
    for (let hour = 0; hour < 8; hour++) await predict(hour, 'a', hour < 4 ? 1 : 3);
    await cloud.clock.advanceTo(at(33));

    // labels of hour 24 are evaluated in the hour after, at the time of the window's end
    expect(await metric('MSE', 25, 'V1.0.0')).toBe(1);
    expect(await metric('MSE', 29, 'V1.0.0')).toBe(9);
    expect(await metric('MAE', 29, 'V1.0.0')).toBe(3);
    expect(await metric('R2', 29, 'V1.0.0')).toBe(-35);
    expect(await metric('SampleCount', 29)).toBe(2);
    expect(await metric('SampleCount', 5)).toBe(0);
    expect(await metric('LabelCoverage', 29)).toBe(1);
    expect(await metric('RMSERatio', 25)).toBeUndefined();
    expect(await metric('RMSERatio', 26)).toBe(1);
    expect(await metric('RMSERatio', 30)).toBe(3);

    const { MetricAlarms } = await cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({}));
    const states = Object.fromEntries((MetricAlarms ?? []).map(({ MetricName, StateValue }) => [MetricName, StateValue]));
    expect(states).toMatchObject({ RMSERatio: 'ALARM', SampleCount: 'OK' });
    const told = cloud.find(Notifications).mails.map(({ message }) => message);
    expect(told.some((message) => /The model on houses has become worse: over the last \d labels the RMSE of V1\.0\.0 is/.test(message))).toBe(true);
    expect(cloud.faults).toEqual([]);
  });

  test('misses labels that stay away', async () => {
    const captured = JSON.stringify({
      captureData: { endpointOutput: { data: '1', encoding: 'CSV' } },
      eventMetadata: { eventId: 'e', inferenceId: 'lost', inferenceTime: at(33).toISOString() },
      eventVersion: '0',
    });
    for (let hour = 33; hour < 38; hour++) await cloud.s3.put(bucket, `captures/a/houses/AllTraffic/${folder(at(hour))}/1.jsonl`, captured.replace('lost', `lost${hour}`));
    await cloud.clock.advanceTo(at(64));
    expect(await metric('LabelCoverage', 58)).toBe(0);
    const { MetricAlarms } = await cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({}));
    expect((MetricAlarms ?? []).find(({ MetricName }) => MetricName === 'LabelCoverage')?.StateReason).toBeDefined();
    expect(cloud.find(Notifications).mails.some(({ subject, message }) => /MissingLabels/.test(`${subject} ${message}`))).toBe(true);
    expect(cloud.faults).toEqual([]);
  });

  test('cannot be stopped by a person, whose attempt is told', async () => {
    const { executions } = cloud.find(StepFunctions);
    const [executionArn] = [...executions.keys()];
    await expect(cloud.client(SFNClient, person).send(new StopExecutionCommand({ executionArn }))).rejects.toMatchObject({
      name: 'AccessDeniedException', message: expect.stringContaining('explicit deny: Workflows') as string,
    });
    await cloud.clock.settle();
    const attempts = cloud.find(Notifications).mails.filter(({ subject }) => subject?.startsWith('Tamper attempt'));
    expect(attempts).toEqual([expect.objectContaining({ subject: 'Tamper attempt denied: states:StopExecution', message: expect.stringContaining(executionArn) as string })]);
    expect(cloud.faults).toEqual([]);
  });
});
