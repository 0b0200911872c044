import { gzipSync } from 'node:zlib';

import { Destination } from './destination';
import { object, objects, onlyKnown, optionalText, text } from '../cloud/members';
import { physicalName, uuidOf } from '../cloud/names';
import { S3Wire } from '../cloud/s3-wire';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';

interface Buffered {
  readonly records: Buffer[];
  readonly since: Date;
  bytes: number;
  readonly cancel: () => void;
}

/** A delivery stream: gathers records until they are many or old enough, then writes them as one object. */
class DeliveryStream {
  private buffer: Buffered | undefined;
  private written = 0;

  constructor(readonly name: string, private readonly destination: Destination, private readonly cloud: Cloud) {}

  async put(data: Buffer): Promise<void> {
    const record = this.destination.delimited ? Buffer.concat([data, Buffer.from('\n')]) : data;
    if (this.buffer !== undefined && this.buffer.bytes + record.length > this.destination.sizeBytes) await this.flush();
    this.buffer ??= this.open();
    this.buffer.records.push(record);
    this.buffer.bytes += record.length;
    if (this.buffer.bytes >= this.destination.sizeBytes) await this.flush();
  }

  async flush(): Promise<void> {
    const { buffer, destination } = this;
    if (buffer === undefined) return;
    this.buffer = undefined;
    buffer.cancel();
    const body = Buffer.concat(buffer.records);
    const key = destination.key(this.name, buffer.since, uuidOf(`${this.name} ${this.written++} ${buffer.since.toISOString()}`));
    const { AWS_ACCESS_KEY_ID: accessKeyId } = this.cloud.environment(destination.roleArn);
    await new S3Wire(this.cloud.endpoint, this.cloud.region, accessKeyId).put(destination.bucket, key, destination.gzip ? gzipSync(body) : body);
  }

  private open(): Buffered {
    const cancel = this.cloud.clock.after(this.destination.intervalMs, async () => this.flush(), `Firehose ${this.name} delivers`);
    return { records: [], since: this.cloud.clock.now(), bytes: 0, cancel };
  }
}

/** Amazon Data Firehose to S3. */
export class Firehose implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'Firehose', by: 'buffers by size and by interval of the clock, one object a buffer' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['firehose'];
  readonly types = ['AWS::KinesisFirehose::DeliveryStream'];
  private readonly streams = new Map<string, DeliveryStream>();
  private records = 0;

  async create(resource: Resource, cloud: Cloud): Promise<Deployed> {
    const { properties, type } = resource;
    onlyKnown(properties, ['DeliveryStreamEncryptionConfigurationInput', 'DeliveryStreamName', 'DeliveryStreamType', 'ExtendedS3DestinationConfiguration', 'Tags'], type);
    const kind = optionalText(properties, 'DeliveryStreamType') ?? 'DirectPut';
    if (kind !== 'DirectPut') throw new Unsupported(`${type}.DeliveryStreamType ${kind}`);
    const name = optionalText(properties, 'DeliveryStreamName') ?? physicalName(resource);
    const destination = new Destination(object(properties, 'ExtendedS3DestinationConfiguration'), `${type}.ExtendedS3DestinationConfiguration`);
    this.streams.set(name, new DeliveryStream(name, destination, cloud));
    return { ref: name, attributes: { Arn: `arn:${cloud.partition}:firehose:${cloud.region}:${cloud.account}:deliverystream/${name}` } };
  }

  /** Writes what is buffered. */
  async stop(): Promise<void> {
    for (const stream of this.streams.values()) await stream.flush();
  }

  async handle({ operation, input }: Call): Promise<JsonObject> {
    if (operation === 'ListDeliveryStreams') return { DeliveryStreamNames: [...this.streams.keys()], HasMoreDeliveryStreams: false };
    const stream = this.stream(text(input, 'DeliveryStreamName'));
    switch (operation) {
      case 'PutRecord': return { RecordId: await this.put(stream, object(input, 'Record')), Encrypted: false };
      case 'PutRecordBatch': {
        const answers: JsonObject[] = [];
        for (const record of objects(input, 'Records')) answers.push({ RecordId: await this.put(stream, record) });
        return { FailedPutCount: 0, Encrypted: false, RequestResponses: answers };
      }
      case 'DescribeDeliveryStream': return { DeliveryStreamDescription: { DeliveryStreamName: stream.name, DeliveryStreamStatus: 'ACTIVE' } };
      default: throw new Unsupported(`firehose:${operation}`);
    }
  }

  private async put(stream: DeliveryStream, record: JsonObject): Promise<string> {
    await stream.put(Buffer.from(text(record, 'Data'), 'base64'));
    return uuidOf(`${stream.name} record ${this.records++}`);
  }

  private stream(name: string): DeliveryStream {
    const found = this.streams.get(name);
    if (found === undefined) throw new AwsError('ResourceNotFoundException', `Firehose ${name} not found.`);
    return found;
  }
}
