import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, ExecutionStatus, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { Checks } from './checks';
import { ApiClient } from './client';
import { Ledger, VersionRecord } from './ledger';
import { Who } from './people';
import { Progress } from './progress';
import { Replay } from './replay';
import { ModelRepository } from './repository';
import { Batch, Scenario } from './scenario';
import { ApiGateway } from '../apigateway/apigateway';
import { LocalCloud } from '../cloud/local-cloud';
import { Mail, Notifications } from '../cloud/notifications';
import { SageMaker } from '../sagemaker/sagemaker';

/** Outputs of the example app that the story goes by. */
export type Outputs = Record<
'PredictionUrl' | 'RepositoryName' | 'PipelineName' | 'TrainingWorkflow' | 'ReleaseWorkflow' | 'DataWorkflow' | 'SourceUri' | 'EndpointName' | 'LedgerTable'
| 'DatasetDatabase' | 'DatasetTable' | 'DatasetWorkGroup'
| 'ObservationBucket' | 'QualityAlarm' | Who, string>;

const HOUR = 3_600_000;
export const hours = (count: number, from: Date) => new Date(from.getTime() + count * HOUR);
export const ENDED = new Set(['Production', 'Archived', 'Rejected', 'RolledBack', 'Superseded']);

/** Everything that the acts of the story work with: the cloud, the people's tools, and what an operator can look at. */
export class World {
  readonly ledger: Ledger;
  readonly replay: Replay;
  readonly client: ApiClient;
  private readonly sfn: SFNClient;

  constructor(
    readonly cloud: LocalCloud, readonly outputs: Outputs, readonly scenario: Scenario, readonly checks: Checks, readonly progress: Progress,
    readonly repository: ModelRepository,
  ) {
    this.ledger = new Ledger(cloud, outputs.LedgerTable);
    this.client = new ApiClient(new URL(cloud.find(ApiGateway).localUrl(outputs.PredictionUrl)), cloud.region, cloud.environment(outputs.ClientRole));
    this.replay = new Replay(cloud.clock, this.client, scenario.requests);
    this.sfn = cloud.client(SFNClient);
  }

  get now(): Date {
    return this.cloud.clock.now();
  }

  /** The data engineer uploads a batch of raw data, as themself. */
  async upload(batch: Batch): Promise<void> {
    const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(this.outputs.SourceUri) ?? [];
    await this.cloud.client(S3Client, this.outputs.DataEngineerRole).send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}${batch.name}`, Body: batch.csv }));
  }

  /** Executions of a workflow, newest first. */
  async executions(stateMachineArn: string, status?: ExecutionStatus): Promise<{ arn: string; name: string; status: string; started: Date }[]> {
    const { executions } = await this.sfn.send(new ListExecutionsCommand({ stateMachineArn, statusFilter: status }));
    return (executions ?? []).map(({ executionArn, name, status: state, startDate }) => ({
      arn: executionArn ?? '', name: name ?? '', status: state ?? '', started: startDate ?? new Date(0),
    }));
  }

  async output(executionArn: string): Promise<{ status: string; output: Record<string, unknown>; error?: string; cause?: string }> {
    const { status, output, error, cause } = await this.sfn.send(new DescribeExecutionCommand({ executionArn }));
    return { status: status ?? '', output: JSON.parse(output ?? '{}') as Record<string, unknown>, error, cause };
  }

  /** Plays on until no run of the workflow is open and at least `count` have been started; answers whether it came to that. */
  async quiet(stateMachineArn: string, count: number, limit: Date): Promise<boolean> {
    return this.replay.until(async () => {
      const all = await this.executions(stateMachineArn);
      return all.length >= count && all.every(({ status }) => status !== 'RUNNING');
    }, limit);
  }

  /** Plays on until the ledger has a version of this number and its release has ended; answers its record. */
  async released(version: string, limit: Date): Promise<VersionRecord | undefined> {
    let record: VersionRecord | undefined;
    await this.replay.until(async () => {
      record = (await this.ledger.versions()).find((one) => one.version === version);
      return record !== undefined && ENDED.has(record.stage);
    }, limit);
    return record;
  }

  /** The mails that topics have sent so far. */
  get mailbox(): readonly Mail[] {
    return this.cloud.find(Notifications).mails;
  }

  /** Injects a fault: the version's new fleet fails every second request once it takes the callers'. The answer ends it. */
  failUnderLoad(version: string): () => void {
    return this.cloud.find(SageMaker).injectFault({
      endpointName: this.outputs.EndpointName, modelNameContains: `-${version.replaceAll('.', '-')}-`, kind: 'error', share: 0.5,
    });
  }

  async alarmState(name: string): Promise<string | undefined> {
    const { MetricAlarms, CompositeAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
    return MetricAlarms?.[0]?.StateValue ?? CompositeAlarms?.[0]?.StateValue;
  }
}
