import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeEndpointCommand, DescribeModelPackageCommand, ListEndpointConfigsCommand, ListEndpointsCommand, ListModelsCommand,
  SageMakerClient,
} from '@aws-sdk/client-sagemaker';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LineOutputs, OUTPUTS } from './line-app';
import { Execution } from '../../../examples/local/cloud/executions';
import { LocalCloud } from '../../../examples/local/cloud/local-cloud';
import { Notifications } from '../../../examples/local/cloud/notifications';
import { StepFunctions } from '../../../examples/local/cloud/step-functions';
import { JsonObject } from '../../../examples/local/cloud/types';

export interface VersionItem {
  readonly version: string;
  readonly stage: string;
  readonly reason: string;
  readonly cause: string;
  readonly commit: string;
  readonly dataset: string;
  readonly order: number;
  readonly status: string;
  readonly modelPackageArn: string;
  readonly announcedAt?: string;
  readonly history: { readonly stage: string; readonly reason: string }[];
  /** What was judged and decided. */
  readonly account?: string;
  readonly hooks?: Record<string, { readonly hook: string; readonly decision: string; readonly reason: string }>;
}

/** What an operator sees of the app. */
export class LineView {
  readonly out: LineOutputs;
  private mailsRead = 0;

  constructor(readonly cloud: LocalCloud) {
    const outputs = cloud.outputs.get('Test')!;
    this.out = Object.fromEntries(OUTPUTS.map((name) => [name, outputs[`Out${name}`]])) as LineOutputs;
  }

  /** Executions of a state machine, oldest first. */
  executions(stateMachineArn: string): Execution[] {
    return [...this.cloud.find(StepFunctions).executions.values()].filter(({ machine }) => machine.arn === stateMachineArn);
  }

  get releasing(): boolean {
    return [this.out.Release, this.out.Rollback, this.out.Recovery].some((arn) => this.executions(arn).some(({ status }) => status === 'RUNNING'));
  }

  async versions(): Promise<VersionItem[]> {
    return (await this.items<VersionItem>('VERSION')).sort((a, b) => a.order - b.order);
  }

  async version(version: string): Promise<VersionItem> {
    const found = (await this.versions()).find((one) => one.version === version);
    if (found === undefined) throw new Error(`the ledger has no version ${version}`);
    return found;
  }

  rejections(): Promise<{ run: string; commit: string; dataset: string; stage: string; reason: string }[]> {
    return this.items('REJECTED');
  }

  async champion(): Promise<string | undefined> {
    return (await this.items<{ version: string }>('CHAMPION'))[0]?.version;
  }

  /** The slot and what waits for it. */
  async queue(): Promise<string[]> {
    const items = await this.items<{ sk: string; version: string }>('RELEASE');
    return items.filter(({ sk }) => /^(SLOT|WAITING)/.test(sk)).map(({ sk, version }) => `${sk.replace(/#.*/, '')} ${version}`);
  }

  /** Approval, stage and account of the version's model package. */
  async registered({ modelPackageArn }: VersionItem): Promise<{ approval?: string; stage?: string; status?: string; account?: string }> {
    const answer = await this.sagemaker.send(new DescribeModelPackageCommand({ ModelPackageName: modelPackageArn }));
    const { ModelApprovalStatus: approval, ModelLifeCycle: life, ApprovalDescription: account } = answer;
    return { approval, stage: life?.Stage, status: life?.StageStatus, account };
  }

  /** What the endpoint serves, or undefined where there is none. */
  async endpoint(): Promise<{ status?: string; config?: string; shadows: number; pending: boolean; instances?: number } | undefined> {
    try {
      const answer = await this.sagemaker.send(new DescribeEndpointCommand({ EndpointName: this.out.Endpoint }));
      return {
        status: answer.EndpointStatus,
        config: answer.EndpointConfigName,
        shadows: answer.ShadowProductionVariants?.length ?? 0,
        pending: answer.PendingDeploymentSummary !== undefined,
        instances: answer.ProductionVariants?.[0]?.DesiredInstanceCount,
      };
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Could not find endpoint')) return undefined;
      throw error;
    }
  }

  /** Names of all endpoints. */
  async endpoints(): Promise<string[]> {
    return ((await this.sagemaker.send(new ListEndpointsCommand({}))).Endpoints ?? []).map(({ EndpointName }) => EndpointName ?? '');
  }

  /** Names of configs and models that carry a version. */
  async hosted({ version }: VersionItem): Promise<string[]> {
    const NameContains = version.replaceAll('.', '-');
    const { EndpointConfigs } = await this.sagemaker.send(new ListEndpointConfigsCommand({ NameContains }));
    const { Models } = await this.sagemaker.send(new ListModelsCommand({ NameContains }));
    return [...(EndpointConfigs ?? []).map(({ EndpointConfigName }) => `config ${EndpointConfigName}`), ...(Models ?? []).map(({ ModelName }) => `model ${ModelName}`)];
  }

  /** Names of all alarms. */
  async alarms(): Promise<string[]> {
    const { MetricAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({}));
    return (MetricAlarms ?? []).map(({ AlarmName }) => AlarmName ?? '').sort();
  }

  async alarmState(name: string): Promise<string | undefined> {
    const { MetricAlarms } = await this.cloud.client(CloudWatchClient).send(new DescribeAlarmsCommand({ AlarmNames: [name] }));
    return MetricAlarms?.[0]?.StateValue;
  }

  /** Events of the library and alerts since this was asked last. */
  async news(): Promise<{ events: { type: string; detail: JsonObject }[]; alerts: string[] }> {
    await this.cloud.clock.settle();
    const mails = this.cloud.find(Notifications).mails.slice(this.mailsRead);
    this.mailsRead += mails.length;
    const events = mails.filter(({ topic }) => topic === 'events').map(({ message }) => JSON.parse(message) as JsonObject);
    return {
      events: events.map((event) => ({ type: String(event['detail-type']), detail: event.detail as JsonObject })),
      alerts: mails.filter(({ topic }) => topic !== 'events').map(({ message }) => message),
    };
  }

  get sagemaker(): SageMakerClient {
    return this.cloud.client(SageMakerClient);
  }

  private async items<T>(partition: string): Promise<T[]> {
    const { Items } = await this.cloud.client(DynamoDBClient).send(new QueryCommand({
      TableName: this.out.Ledger, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: partition } }, ConsistentRead: true,
    }));
    return (Items ?? []).map((item) => unmarshall(item) as T);
  }
}
