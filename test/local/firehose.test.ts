import { gunzipSync } from 'node:zlib';
import { FirehoseClient, PutRecordBatchCommand, PutRecordCommand } from '@aws-sdk/client-firehose';

import { TinyCloud } from './support/tiny-cloud';
import { JsonObject } from '../../examples/local/cloud/types';
import { Firehose } from '../../examples/local/firehose/firehose';

describe('Firehose', () => {
  const firehose = new Firehose();
  const cloud = new TinyCloud([firehose], new Date('2013-05-01T10:59:30Z'));
  const stream = async (name: string, configuration: JsonObject) => cloud.create('AWS::KinesisFirehose::DeliveryStream', name, {
    DeliveryStreamName: name,
    DeliveryStreamType: 'DirectPut',
    ExtendedS3DestinationConfiguration: { BucketARN: 'arn:aws:s3:::store', RoleARN: 'arn:aws:iam::000000000000:role/hose', ...configuration },
  });
  const put = async (name: string, data: string) =>
    cloud.client(FirehoseClient).send(new PutRecordCommand({ DeliveryStreamName: name, Record: { Data: Buffer.from(data) } }));
  const objects = async (prefix: string) => {
    const found = await cloud.s3.list('store', prefix);
    return Promise.all(found.map(async ({ key }) => [key, await cloud.s3.get('store', key)] as const));
  };

  beforeAll(async () => {
    await cloud.start('store');
    await stream('labels', { Prefix: 'ground-truth/!{timestamp:yyyy/MM/dd/HH}/', FileExtension: '.jsonl', BufferingHints: { IntervalInSeconds: 60, SizeInMBs: 1 } });
    await stream('packed', { Prefix: 'packed/', CompressionFormat: 'GZIP', ProcessingConfiguration: { Enabled: true, Processors: [{ Type: 'AppendDelimiterToRecord' }] } });
  });
  afterAll(async () => cloud.stop());

  test('gathers records for the interval and writes them under the hour of the first', async () => {
    await put('labels', 'a\n');
    await cloud.clock.advanceTo(new Date('2013-05-01T11:00:00Z'));
    await cloud.client(FirehoseClient).send(new PutRecordBatchCommand({ DeliveryStreamName: 'labels', Records: [{ Data: Buffer.from('b\n') }, { Data: Buffer.from('ä\n') }] }));
    expect(await objects('ground-truth/')).toEqual([]);
    await cloud.clock.advanceTo(new Date('2013-05-01T11:01:00Z'));
    const [[key, body], ...more] = await objects('ground-truth/');
    expect(more).toEqual([]);
    expect(key).toMatch(/^ground-truth\/2013\/05\/01\/10\/labels-1-2013-05-01-10-59-30-[0-9a-f-]{36}\.jsonl$/);
    expect(body.toString()).toBe('a\nb\nä\n');
  });

  test('writes a full buffer at once', async () => {
    const half = 'x'.repeat(600_000);
    await put('labels', half);
    await put('labels', half);
    expect((await objects('ground-truth/2013/05/01/11/')).map(([, body]) => body.length)).toEqual([600_000]);
  });

  test('packs, delimits, and writes what is left when it stops', async () => {
    await put('packed', '1');
    await put('packed', '2');
    await firehose.stop();
    const [[key, body]] = await objects('packed/');
    expect(key).toMatch(/^packed\/2013\/05\/01\/11\/packed-1-.*\.gz$/);
    expect(gunzipSync(body).toString()).toBe('1\n2\n');
  });

  test('refuses what it does not do', async () => {
    await expect(put('nowhere', 'x')).rejects.toThrow(/nowhere not found/);
    await expect(stream('a', { DynamicPartitioningConfiguration: { Enabled: true } })).rejects.toThrow(/DynamicPartitioningConfiguration/);
    await expect(stream('b', { Prefix: '!{partitionKeyFromQuery:a}/' })).rejects.toThrow(/partitionKeyFromQuery/);
    await expect(stream('c', { CompressionFormat: 'Snappy' })).rejects.toThrow(/Snappy/);
  });
});
