import { Endpoints } from './endpoints';
import { Fleet, Invocation } from './fleet';
import { ModelAnswer } from './model-server';
import { nameOf } from './support';
import { AwsError, Call, Cloud, RawAnswer, Unsupported } from '../cloud/types';

const PATH = /^\/endpoints\/([^/?]+)\/invocations(?:\?.*)?$/;
const BODY_LIMIT = 6_291_456;
const PREFIX = 'x-amzn-sagemaker-';
const KNOWN = ['inference-id', 'target-variant', 'custom-attributes'];

/** Whether a call is one of the runtime, which shares the API's name in signatures. */
export const isRuntimeCall = (call: Call): boolean => call.method === 'POST' && call.path.startsWith('/endpoints/');

/** InvokeEndpoint. */
export class Runtime {
  /** Requests of callers, and how they ended: for reports. */
  readonly counts = { sent: 0, answered: 0, failed: 0, mirrored: 0 };

  constructor(private readonly cloud: Cloud, private readonly endpoints: Endpoints) {}

  async handle(call: Call): Promise<RawAnswer> {
    const match = PATH.exec(call.path);
    if (match === null) throw new Unsupported(`sagemaker-runtime ${call.method} ${call.path}`);
    return this.invoke(nameOf(decodeURIComponent(match[1])), call);
  }

  private async invoke(name: string, call: Call): Promise<RawAnswer> {
    const received = performance.now();
    this.counts.sent += 1;
    const header = (known: string): string | undefined => call.headers[`${PREFIX}${known}`];
    const unknown = Object.keys(call.headers).filter((key) => key.startsWith(PREFIX) && !KNOWN.includes(key.slice(PREFIX.length)));
    if (unknown.length > 0) throw new Unsupported(`InvokeEndpoint with ${unknown.join(', ')}`);
    if (call.body.length > BODY_LIMIT) throw new AwsError('ValidationError', `The request body must have at most ${BODY_LIMIT} bytes, got ${call.body.length}`);
    const inferenceId = header('inference-id');
    if (inferenceId !== undefined && !/^\S[\x20-\x7e]{0,63}$/.test(inferenceId)) throw new AwsError('ValidationError', 'InferenceId must have 1 to 64 printable characters');

    const endpoint = this.endpoints.find(name);
    if (endpoint === undefined || !['InService', 'Updating', 'RollingBack'].includes(endpoint.status)) {
      throw new AwsError('ValidationError', `Endpoint ${name} of account ${this.cloud.account} not found.`);
    }
    const target = header('target-variant');
    const fleet = endpoint.next(target);
    if (fleet === undefined) throw new AwsError('ValidationError', `Variant ${target} of endpoint ${name} not found.`);

    const custom = header('custom-attributes');
    const { accept } = call.headers;
    const invocation: Invocation = {
      body: call.body,
      contentType: call.headers['content-type'] ?? 'application/octet-stream',
      headers: { ...(accept !== undefined && { accept }), ...(custom !== undefined && { [`${PREFIX}custom-attributes`]: custom }) },
      inferenceId,
    };
    const answering = fleet.invoke(invocation, received);
    const shadow = endpoint.generationOf(fleet)?.mirrors();
    if (shadow !== undefined) this.mirror(shadow, invocation, received);
    const answer = await this.cloud.clock.busy(answering, `invocation of ${name}`);
    return this.reply(answer, fleet);
  }

  /** The copy's answer is dropped, but the clock waits for it: what it measures belongs to this moment. */
  private mirror(shadow: Fleet, invocation: Invocation, received: number): void {
    this.counts.mirrored += 1;
    void this.cloud.clock.busy(shadow.invoke(invocation, received), 'shadow copy');
  }

  private reply(answer: ModelAnswer, fleet: Fleet): RawAnswer {
    const variant = { 'x-amzn-invoked-production-variant': fleet.options.variant.name };
    if (answer.status >= 200 && answer.status < 300) {
      this.counts.answered += 1;
      const custom = answer.headers[`${PREFIX}custom-attributes`];
      return {
        status: 200,
        headers: {
          'content-type': String(answer.headers['content-type'] ?? 'application/octet-stream'),
          ...variant,
          ...(custom !== undefined && { [`${PREFIX}custom-attributes`]: String(custom) }),
        },
        body: answer.body,
      };
    }
    this.counts.failed += 1;
    const text = answer.body.toString();
    return {
      status: 424,
      headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ModelError', ...variant },
      body: JSON.stringify({
        ErrorCode: answer.status < 500 ? 'CLIENT_ERROR_FROM_MODEL' : 'INTERNAL_FAILURE_FROM_MODEL',
        LogStreamArn: '',
        Message: `Received ${answer.status < 500 ? 'client' : 'server'} error (${answer.status}) from primary with message "${text}".`,
        OriginalMessage: text,
        OriginalStatusCode: answer.status,
      }),
    };
  }
}
