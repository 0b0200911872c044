import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { World, hours } from './world';

interface GateReport {
  readonly latest: string;
  readonly quality: { readonly rules: readonly { readonly rule: string; readonly passed: boolean; readonly observed: number | string }[] };
}

/**
 * The data engineer uploads a batch that breaks a rule. Nothing is published and nobody trains on it; the engineer is told
 * which rule it was and what was seen. The right batch comes later, under the same name.
 */
export async function badBatchAct(world: World): Promise<void> {
  const { checks, outputs, replay, scenario } = world;
  const before = await versions(world);
  const count = async (workflow: string) => (await world.executions(workflow)).length;
  const [runs, trainings, mails] = [await count(outputs.DataWorkflow), await count(outputs.TrainingWorkflow), world.mailbox.length];
  await world.upload(scenario.batches.bad);
  await world.quiet(outputs.DataWorkflow, runs + 1, hours(6, world.now));
  await replay.to(hours(1, world.now));
  const [run] = await world.executions(outputs.DataWorkflow);
  const { status, error, cause } = await world.output(run.arn);
  const alert = world.mailbox.slice(mails).find(({ message }) => message.includes('DataQualityFailed'))?.message ?? 'no alert arrived';
  const report = await reportIn(world, alert);
  const broken = report?.quality.rules.filter(({ passed }) => !passed) ?? [];
  checks.must('a bad batch is stopped at the gate, and the alert names the rule and what was seen',
    status === 'FAILED' && error === 'DataQualityFailed' && broken.length > 0 && broken.every(({ rule, observed }) => alert.includes(`${rule} (observed: ${observed})`)),
    broken.length > 0 ? broken.map(({ rule, observed }) => `${rule}: ${observed}`).join('; ') : `${status}: ${cause ?? alert}`);
  const after = await versions(world);
  const trained = await count(outputs.TrainingWorkflow) - trainings;
  checks.must('the last version of the data stays, as a data scientist sees with Athena, and nothing is trained',
    after.length > 0 && after.join() === before.join() && report?.latest === after.at(-1)?.split(' ')[0] && trained === 0, after.join('; '));
}

/** The report that an alert names, as the data engineer reads it. */
async function reportIn({ cloud, outputs }: World, alert: string): Promise<GateReport | undefined> {
  const named = /Report: s3:\/\/([^/]+)\/(\S+)/.exec(alert);
  if (named === null) return undefined;
  const { Body } = await cloud.client(S3Client, outputs.DataEngineerRole).send(new GetObjectCommand({ Bucket: named[1], Key: named[2] }));
  return JSON.parse(await Body?.transformToString() ?? '') as GateReport;
}

/** The versions that the dataset's table has, with their rows, as the data scientist asks for them. */
async function versions({ cloud, outputs }: World): Promise<string[]> {
  const athena = cloud.client(AthenaClient, outputs.DataScientistRole);
  const { QueryExecutionId } = await athena.send(new StartQueryExecutionCommand({
    QueryString: `SELECT dataset_version, count(*) FROM ${outputs.DatasetTable} GROUP BY 1 ORDER BY 1`,
    WorkGroup: outputs.DatasetWorkGroup,
    QueryExecutionContext: { Database: outputs.DatasetDatabase },
  }));
  await cloud.clock.settle();
  const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
  if (execution?.Status?.State !== 'SUCCEEDED') throw new Error(`the data scientist's query failed: ${execution?.Status?.StateChangeReason ?? ''}`);
  const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
  return (ResultSet?.Rows ?? []).slice(1).map(({ Data }) => `${Data?.[0].VarCharValue ?? ''} with ${Data?.[1].VarCharValue ?? ''} rows`);
}
