import { authorization } from '../../../examples/local/cloud/wire';

/** The source of the events that are put. */
export const SOURCE = 'bench';

/** Where calls go, and on whose behalf. */
interface Where {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly api: string;
  readonly endpointName: string;
  readonly bucket: string;
  readonly table: string;
  readonly echo: string;
  readonly ask: string;
}

/** One request over the wire, which is sent again and again. */
export class Call {
  /** What is measured, each before what needs what it leaves. */
  static all(where: Where): Call[] {
    const row = '1,2,3,4,5,6,7,8';
    const object = 'x'.repeat(1024);
    const item = { pk: { S: 'item' }, text: { S: object } };
    const path = `/${where.bucket}/object`;
    const csv = { 'content-type': 'text/csv' };
    const call = (name: string, service: string, request: Request): Call => new Call(name, where, service, request);
    const json = (name: string, service: string, target: string, input: object, answer: RegExp): Call => call(name, service, {
      method: 'POST', path: '/', headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }, body: JSON.stringify(input), answer,
    });
    const invoke = (functionName: string): Pick<Request, 'method' | 'path'> => ({ method: 'POST', path: `/2015-03-31/functions/${functionName}/invocations` });
    return [
      call('SageMaker: InvokeEndpoint', 'sagemaker', { method: 'POST', path: `/endpoints/${where.endpointName}/invocations`, headers: csv, body: row, answer: /^36/ }),
      call('API Gateway → SageMaker endpoint', 'execute-api', {
        method: 'POST', path: `${new URL(where.api).pathname.replace(/\/$/, '')}/predictions`, headers: csv, body: row, answer: /^36/,
      }),
      call('Lambda: Invoke', 'lambda', { ...invoke(where.echo), body: JSON.stringify({ row }), answer: /^\{"row":"1,/ }),
      call('Lambda → SageMaker endpoint', 'lambda', { ...invoke(where.ask), body: JSON.stringify({ row }), answer: /^"36/ }),
      call('S3: PutObject, 1 KiB', 's3', { method: 'PUT', path, body: object, answer: /^$/ }),
      call('S3: GetObject, 1 KiB', 's3', { method: 'GET', path, body: '', answer: /^x{1024}$/ }),
      json('DynamoDB: PutItem, 1 KiB', 'dynamodb', 'DynamoDB_20120810.PutItem', { TableName: where.table, Item: item }, /^\{\}$/),
      json('DynamoDB: GetItem, 1 KiB', 'dynamodb', 'DynamoDB_20120810.GetItem', { TableName: where.table, Key: { pk: item.pk } }, /x{1024}/),
      json('EventBridge: PutEvents, a rule to a queue', 'events', 'AWSEvents.PutEvents',
        { Entries: [{ Source: SOURCE, DetailType: 'Measured', Detail: JSON.stringify({ row }) }] }, /"FailedEntryCount": ?0/),
    ];
  }

  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  private readonly answer: RegExp;

  private constructor(readonly name: string, where: Where, service: string, request: Request) {
    this.url = new URL(request.path, where.endpoint);
    this.method = request.method;
    this.body = request.body;
    this.answer = request.answer;
    this.headers = { authorization: authorization(where.accessKeyId, where.region, service), ...request.headers };
  }

  /** Throws where an answer is not the one that belongs to the call. */
  check(status: number, body: string): void {
    if (status === 200 && this.answer.test(body)) return;
    throw new Error(`${this.name}: ${status} ${body.slice(0, 200)}`);
  }
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly answer: RegExp;
}
