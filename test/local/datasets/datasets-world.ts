import * as path from 'path';
import { AthenaClient, GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { aws_events as events, aws_events_targets as targets, aws_iam as iam, aws_sns as sns, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Execution } from '../../../examples/local/cloud/executions';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';
import { Mail, Notifications } from '../../../examples/local/cloud/notifications';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';
import { standIns } from '../../../examples/local/stand-ins';
import { DataLake, DataPipeline, DataPipelineOptions, DataQualityRule, DataScript, DataSource, MlopsEvents, SourceReading } from '../../../src';
import { DatasetManifest, DatasetPointer } from '../../../src/domain/dataset';
import { Clouds } from '../cloud-support';

const OUTPUTS = ['Source', 'Curated', 'Database', 'WorkGroup', 'Engineer', 'Scientist', 'Outsider', 'All', 'New'] as const;
type Outputs = Record<(typeof OUTPUTS)[number], string>;

/** A lake with two pipelines over uploads of their own (`All` reads everything, `New` new files), and the people who use it. */
function datasetsApp(stack: Stack): void {
  const lake = new DataLake(stack, 'Lake', { removalPolicy: RemovalPolicy.DESTROY });
  const alerts = new sns.Topic(stack, 'Alerts');
  const pipeline = (id: string, options: Partial<DataPipelineOptions>) => new DataPipeline(stack, id, {
    lake,
    alerts,
    source: DataSource.upload(),
    script: DataScript.fromAsset(path.join(__dirname, 'rows.py')),
    target: 'y',
    timeColumn: 'at',
    quality: [DataQualityRule.range('y', 0, 1000), DataQualityRule.rowCountChange({ maxDecreasePercent: 20 })],
    runOnArrival: true,
    ...options,
  });
  const all = pipeline('All', {});
  const fresh = pipeline('New', { reading: SourceReading.newFiles(['id']) });
  new events.Rule(stack, 'Everything', {
    eventPattern: { source: [MlopsEvents.SOURCE] },
    targets: [new targets.SnsTopic(new sns.Topic(stack, 'Events', { topicName: 'events' }))],
  });
  const person = (id: string) => new iam.Role(stack, id, { assumedBy: new iam.AccountRootPrincipal() });
  const [engineer, scientist] = [person('Engineer'), person('Scientist')];
  lake.grants.writeSources(engineer);
  lake.grants.readRuns(engineer);
  lake.grants.queryCurated(scientist);
  // may ask, and has nothing to read
  const outsider = person('Outsider');
  outsider.addToPolicy(new iam.PolicyStatement({ actions: ['athena:*', 'glue:Get*'], resources: ['*'] }));
  lake.queryResults.grantReadWrite(outsider);
  const outputs: Outputs = {
    Source: lake.sourceZone.bucketName,
    Curated: lake.curatedZone.bucketName,
    Database: lake.databaseName,
    WorkGroup: lake.workGroupName!,
    Engineer: engineer.roleArn,
    Scientist: scientist.roleArn,
    Outsider: outsider.roleArn,
    All: all.stateMachine.stateMachineArn,
    New: fresh.stateMachine.stateMachineArn,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, `Out${name}`, { value });
}

export type Dataset = 'All' | 'New';

/** Lines of a file: rows numbered from..until-1, with `y` their number unless given. */
export const numbered = (from: number, until: number, y?: number) => [
  'id,y,at', ...Array.from({ length: until - from }, (_, i) => `${from + i},${y ?? from + i},${new Date(Date.UTC(2013, 0, 1, from + i)).toISOString()}`),
].join('\n');

/** The lake on a local cloud whose every call the synthesized policies decide. */
export class DatasetsWorld {
  static async start(): Promise<DatasetsWorld> {
    const clouds = new Clouds();
    try {
      const cloud = await clouds.deploy(datasetsApp, { standIns: standIns(), enforce: 'everyone' });
      return new DatasetsWorld(clouds, cloud);
    } catch (error) {
      await clouds.stop();
      throw error;
    }
  }

  readonly out: Outputs;

  private constructor(private readonly clouds: Clouds, readonly cloud: LocalCloud) {
    const outputs = [...cloud.outputs.values()][0];
    this.out = Object.fromEntries(OUTPUTS.map((name) => [name, outputs[`Out${name}`]])) as Outputs;
    for (const person of [this.out.Engineer, this.out.Scientist, this.out.Outsider]) cloud.restrict(person);
  }

  stop(): Promise<void> {
    return this.clouds.stop();
  }

  /** The engineer uploads files, all in one moment. */
  async upload(dataset: Dataset, files: Record<string, string>): Promise<void> {
    const s3 = this.cloud.client(S3Client, this.out.Engineer);
    await Promise.all(Object.entries(files).map(([name, Body]) => s3.send(new PutObjectCommand({ Bucket: this.out.Source, Key: `uploads/${dataset}/${name}`, Body }))));
  }

  executions(dataset: Dataset): Execution[] {
    return [...this.cloud.find(StepFunctions).executions.values()].filter(({ machine }) => machine.arn === this.out[dataset]);
  }

  /** Lets time go by until so many runs have begun and all have ended; answers what each came to. */
  async runs(dataset: Dataset, atLeast: number): Promise<{ status: string; outcome?: string; error?: string }[]> {
    const { clock } = this.cloud;
    const limit = new Date(clock.now().getTime() + 24 * 3_600_000);
    const open = () => this.executions(dataset).length < atLeast || this.executions(dataset).some(({ status }) => status === 'RUNNING');
    // what was uploaded comes in by events
    for (let wait = 0; wait < 600 && this.executions(dataset).length < atLeast; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await clock.settle();
    }
    await clock.advanceUntil(() => !open(), limit);
    await clock.settle();
    return this.executions(dataset).map((execution) => {
      const { error, output } = execution.describe() as { error?: string; output?: string };
      return { status: execution.status, outcome: (JSON.parse(output ?? '{}') as { outcome?: string }).outcome, error };
    });
  }

  /** Jobs that were run for a dataset. */
  jobs(dataset: Dataset): number {
    return this.executions(dataset).flatMap(({ history }) => history).filter(({ type, ...event }) => type === 'TaskStateEntered' && JSON.stringify(event).includes('"RunJob"')).length;
  }

  async latest(dataset: Dataset): Promise<{ pointer: DatasetPointer; manifest: DatasetManifest }> {
    const read = async <T>(key: string) => JSON.parse((await this.cloud.s3.get(this.out.Curated, key)).toString()) as T;
    const pointer = await read<DatasetPointer>(`datasets/${dataset}/latest.json`);
    return { pointer, manifest: await read<DatasetManifest>(`datasets/${dataset}/${pointer.version}/manifest.json`) };
  }

  /** A query of the scientist: its rows without the header, or why it failed. */
  async query(sql: string, role = this.out.Scientist): Promise<(string | undefined)[][] | string> {
    const athena = this.cloud.client(AthenaClient, role);
    const { QueryExecutionId } = await athena.send(new StartQueryExecutionCommand({
      QueryString: sql, WorkGroup: this.out.WorkGroup, QueryExecutionContext: { Database: this.out.Database },
    }));
    await this.cloud.clock.settle();
    const { QueryExecution: execution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    if (execution?.Status?.State !== 'SUCCEEDED') return execution?.Status?.StateChangeReason ?? 'no reason';
    const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
    return (ResultSet?.Rows ?? []).slice(1).map(({ Data }) => (Data ?? []).map(({ VarCharValue }) => VarCharValue));
  }

  /** Versions that were announced, in order. */
  announced(dataset: string): string[] {
    return this.mails.filter(({ topic }) => topic.endsWith('events')).map(({ message }) => (JSON.parse(message) as { detail: JsonObject }).detail)
      .filter((detail) => detail.dataset === dataset).map(({ version }) => String(version));
  }

  get alerts(): string[] {
    return this.mails.filter(({ topic }) => !topic.endsWith('events')).map(({ message }) => message);
  }

  private get mails(): readonly Mail[] {
    return this.cloud.find(Notifications).mails;
  }
}
