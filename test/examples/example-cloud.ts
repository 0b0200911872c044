import { mkdirSync, writeFileSync } from 'fs';
import * as path from 'path';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { App, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Execution } from '../../examples/local/cloud/executions';
import { LocalCloud } from '../../examples/local/cloud/local-cloud';
import { StepFunctions } from '../../examples/local/cloud/step-functions';
import { JsonObject } from '../../examples/local/cloud/types';
import { standIns } from '../../examples/local/stand-ins';
import { Clouds, only } from '../local/cloud-support';

export const HOUR = 3_600_000;

/** One of the examples on a local cloud, beside the app of somebody else who owns what it imports. All are held to their policies. */
export class ExampleCloud {
  /** @param owned adds to the other app's stack what the example imports, without anything of this library */
  static async start(clouds: Clouds, example: string, owned: (stack: Stack) => void, images = new Map<string, string>()): Promise<ExampleCloud> {
    const assembly = clouds.folder();
    const others = new App({ outdir: path.join(assembly, 'others'), analyticsReporting: false });
    const stack = new Stack(others, 'Others');
    owned(stack);
    new events.Rule(stack, 'Everything', {
      eventPattern: { source: ['cdk-mlops'] }, targets: [new targets.SqsQueue(new sqs.Queue(stack, 'Told', { queueName: 'told' }))],
    });
    others.synth();
    synthesize(example, path.join(assembly, 'example'));
    const part = (directoryName: string, dependencies: string[] = []) => ({ type: 'cdk:cloud-assembly', properties: { directoryName }, dependencies });
    writeFileSync(path.join(assembly, 'manifest.json'), JSON.stringify({ artifacts: { others: part('others'), example: part('example', ['others']) } }));
    return new ExampleCloud(await clouds.start(assembly, { standIns: standIns(), enforce: 'everyone', images }));
  }

  private constructor(readonly cloud: LocalCloud) {}

  roleArn(name: string): string {
    return `arn:aws:iam::${this.cloud.account}:role/${name}`;
  }

  /** Starts the example's state machine, as the role that the example lets. */
  async start(role: string, input: JsonObject): Promise<Execution> {
    const client = this.cloud.client(SFNClient, this.roleArn(role));
    const { executionArn } = await client.send(new StartExecutionCommand({
      stateMachineArn: only(this.cloud, 'AWS::StepFunctions::StateMachine').ref, input: JSON.stringify(input),
    }));
    return this.cloud.find(StepFunctions).executions.get(executionArn ?? '')!;
  }

  in(hours: number): Date {
    return new Date(this.cloud.clock.now().getTime() + hours * HOUR);
  }

  /** The library's events since this was asked last. */
  async told(): Promise<{ type: string; detail: JsonObject }[]> {
    await this.cloud.clock.settle();
    const { Messages } = await this.cloud.client(SQSClient).send(new ReceiveMessageCommand({
      QueueUrl: only(this.cloud, 'AWS::SQS::Queue').ref, MaxNumberOfMessages: 10, VisibilityTimeout: 43_200,
    }));
    return (Messages ?? []).map(({ Body = '' }) => JSON.parse(Body) as JsonObject)
      .map((event) => ({ type: String(event['detail-type']), detail: event.detail as JsonObject }));
  }
}

/** What a state machine has answered; says how it failed where it has. */
export function outputOf(execution: Execution): JsonObject {
  if (execution.status !== 'SUCCEEDED') throw new Error(`it is ${execution.status}: ${JSON.stringify(execution.describe())}`);
  return JSON.parse(execution.output ?? '{}') as JsonObject;
}

/** Runs an example as the CDK's command line does: it is a whole app. */
export function synthesize(example: string, outdir: string): void {
  mkdirSync(outdir, { recursive: true });
  process.env.CDK_OUTDIR = outdir;
  try {
    jest.requireActual(`../../examples/${example}.lit`);
  } finally {
    delete process.env.CDK_OUTDIR;
  }
}
