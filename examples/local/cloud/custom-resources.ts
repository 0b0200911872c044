import { createServer, IncomingMessage, Server, ServerResponse } from 'http';
import { AddressInfo } from 'net';
import { Lambda } from './lambda';
import { uuidOf } from './names';
import { Cloud, Deployed, Json, JsonObject, Provisioner, Resource, StandIn } from './types';

const LONGEST_ANSWER = 4096;

/** What a function has put at its ResponseURL. */
interface Answer extends JsonObject {
  readonly Status: string;
  readonly Reason: string;
  readonly PhysicalResourceId: string;
}

/**
 * Custom resources: CloudFormation's requests to the function behind the ServiceToken, whose answer comes by HTTP to a
 * URL of its own. The function is not waited for by the clock, since it may itself wait for what takes its time.
 */
export class CustomResources implements StandIn, Provisioner {
  /** Any type that begins with `Custom::` and that no other provisioner makes. */
  readonly types = ['AWS::CloudFormation::CustomResource'];
  readonly describes = [{ service: 'CloudFormation custom resources', by: 'the shipped function, which answers over HTTP' }];
  readonly provisioners = [this];
  private readonly expected = new Map<string, (answer: JsonObject) => void>();
  private server?: Server;
  private url = '';
  private cloud!: Cloud;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    const server = createServer((incoming, outgoing) => void this.receive(incoming, outgoing));
    this.server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.server === undefined ? resolve() : this.server.close(() => resolve())));
  }

  async create(resource: Resource): Promise<Deployed> {
    const { PhysicalResourceId, Data } = await this.ask(resource, { RequestType: 'Create' });
    return {
      ref: PhysicalResourceId,
      attributes: Object.fromEntries(Object.entries((Data ?? {}) as JsonObject).map(([name, value]) => [name, String(value)])),
    };
  }

  async delete(resource: Resource, { ref }: Deployed): Promise<void> {
    await this.ask(resource, { RequestType: 'Delete', PhysicalResourceId: ref });
  }

  private async ask({ type, logicalId, stackName, properties }: Resource, request: JsonObject): Promise<Answer> {
    const { partition, region, account } = this.cloud;
    const told: JsonObject = {
      RequestId: crypto.randomUUID(),
      StackId: `arn:${partition}:cloudformation:${region}:${account}:stack/${stackName}/${uuidOf(stackName)}`,
      LogicalResourceId: logicalId,
    };
    const key = crypto.randomUUID();
    const answered = new Promise<JsonObject>((resolve) => this.expected.set(`/${key}`, resolve));
    const invoked = this.cloud.find(Lambda).run(String(properties.ServiceToken), {
      ...request, ...told, ResourceType: type, ResponseURL: `${this.url}/${key}?signature=${crypto.randomUUID()}`, ResourceProperties: asText(properties),
    });
    // CloudFormation would wait for an hour for what will never come
    const unanswered = invoked.then(() => { throw new Error('the function ended without an answer'); });
    try {
      const answer = await Promise.race([answered, unanswered]);
      await invoked;
      return checked(answer, told, request);
    } finally {
      unanswered.catch(() => undefined);
      this.expected.delete(`/${key}`);
    }
  }

  /** An answer is taken once, from where its signed URL says. */
  private async receive(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const [path, query] = (incoming.url ?? '').split('?');
    const take = this.expected.get(path);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const allowed = take !== undefined && incoming.method === 'PUT' && query?.startsWith('signature=') && !incoming.headers['content-type'];
    if (!allowed) {
      outgoing.writeHead(403).end();
      return;
    }
    this.expected.delete(path);
    outgoing.writeHead(200).end();
    const body = Buffer.concat(chunks);
    take(body.length > LONGEST_ANSWER ? { Status: 'FAILED', Reason: `the answer has ${body.length} bytes, at most ${LONGEST_ANSWER} are taken` } : JSON.parse(body.toString()) as JsonObject);
  }
}

function checked(answer: JsonObject, told: JsonObject, { RequestType, PhysicalResourceId }: JsonObject): Answer {
  if (answer.Status !== 'SUCCESS') throw new Error(`Received response status [${String(answer.Status)}] from custom resource. Message returned: ${String(answer.Reason)}`);
  for (const [name, value] of Object.entries(told)) if (answer[name] !== value) throw new Error(`the answer's ${name} is ${String(answer[name])}, expected ${String(value)}`);
  if (typeof answer.PhysicalResourceId !== 'string') throw new Error('the answer has no PhysicalResourceId');
  if (RequestType === 'Delete' && answer.PhysicalResourceId !== PhysicalResourceId) throw new Error('the answer to a deletion has another PhysicalResourceId');
  return answer as Answer;
}

/** CloudFormation hands all values over as text. */
function asText(value: Json): Json {
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asText(inner)]));
  return value === null ? value : String(value);
}
