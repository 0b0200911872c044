import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';

/** The status of an execution; `UNKNOWN` where Step Functions does not know it, or not any more. */
export async function statusOf(states: Pick<SFNClient, 'send'>, executionArn: string): Promise<string> {
  try {
    return (await states.send(new DescribeExecutionCommand({ executionArn }))).status ?? 'UNKNOWN';
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return 'UNKNOWN';
    throw error;
  }
}

export async function isRunning(states: Pick<SFNClient, 'send'>, executionArn: string): Promise<boolean> {
  return await statusOf(states, executionArn) === 'RUNNING';
}
