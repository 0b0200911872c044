/** What CloudFormation asks the function behind a custom resource. All values of the properties are text. */
export interface CustomResourceRequest<Properties> {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Properties;
}

/** What a function is told about its own run. */
export interface RunContext {
  getRemainingTimeInMillis(): number;
}

/** Time that an answer may need. */
const ANSWER_SECONDS = 30;
const MOST_TRIES = 3;
/** CloudFormation takes answers of at most 4,096 bytes. */
const LONGEST_REASON = 1500;

/**
 * Does the work of a request and answers CloudFormation, whatever comes of it: without an answer a stack hangs for an hour.
 * The resource is named `id`, by which CloudFormation knows whether an update has put another in its place.
 */
export async function answering<P>(request: CustomResourceRequest<P>, id: string, work: () => Promise<void>): Promise<void> {
  let failure: string | undefined;
  try {
    await work();
  } catch (error) {
    failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  const { StackId, RequestId, LogicalResourceId } = request;
  await put(request.ResponseURL, JSON.stringify({
    Status: failure === undefined ? 'SUCCESS' : 'FAILED',
    ...(failure === undefined ? {} : { Reason: failure.slice(0, LONGEST_REASON) }),
    PhysicalResourceId: request.RequestType === 'Delete' ? request.PhysicalResourceId ?? id : id,
    StackId,
    RequestId,
    LogicalResourceId,
  }));
}

/** Whether there is time for another look, and for the answer after it. */
export function hasTime(context: RunContext, pauseSeconds: number): boolean {
  return context.getRemainingTimeInMillis() > (pauseSeconds + ANSWER_SECONDS) * 1000;
}

export async function pause(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

async function put(url: string, body: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      // the URL is signed without a content type
      const response = await fetch(url, { method: 'PUT', headers: { 'content-type': '' }, body });
      if (response.ok) return;
      throw new Error(`CloudFormation's URL answered ${response.status}`);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      await pause(tries);
    }
  }
}
