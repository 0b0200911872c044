import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import {
  ParityLimits, ParityReport, parityReport, readSample, SampleRow, ServedAnswer, slowAllowed, unchecked, UnreadableSample, unusable,
} from '../domain/serving-parity';
import { clientFor, perModel } from '../private/model-io';

export interface CheckParityEvent {
  /** The staging endpoint, which is in service. */
  readonly endpointName: string;
  /** Where the evaluation left its sample; null where the version's package names none. */
  readonly sampleUri: string | null;
  /** The only bucket that samples are read from. Absent: there is none. */
  readonly sampleBucket?: string;
  /** So many rows are asked at most. */
  readonly sampleSize: number;
  readonly limits: ParityLimits;
}

/** SageMaker gives a model 60 seconds to answer. */
const LONGEST_ANSWER_MILLISECONDS = 70_000;

const s3 = clientFor(S3Client);
// what the SDK would repeat is an error, or a delay, that must be seen
const runtime = clientFor(SageMakerRuntimeClient, { maxAttempts: 1, requestHandler: { requestTimeout: LONGEST_ANSWER_MILLISECONDS } });

async function handle(event: CheckParityEvent): Promise<ParityReport> {
  const { sampleUri, sampleBucket, sampleSize, limits } = event;
  if (sampleUri === null) return unchecked('no sample');
  if (sampleBucket === undefined) return unchecked('no sample, since no bucket of samples is known');
  let rows: SampleRow[];
  try {
    rows = readSample(await download(sampleUri, sampleBucket), sampleSize);
  } catch (error) {
    if (error instanceof UnreadableSample) return unusable(error.message);
    throw error;
  }
  if (rows.length === 0) return unchecked('the sample is empty');
  // a new container's first answer is slow by nature: it must come, and is not measured
  const first = await ask(event.endpointName, rows[0]);
  if (first.error !== undefined) return parityReport([first], rows.length, limits);
  const answers: ServedAnswer[] = [];
  for (const row of rows) {
    answers.push(await ask(event.endpointName, row));
    const slow = answers.filter(({ measuredMilliseconds }) => measuredMilliseconds > limits.maxLatencyP95Milliseconds).length;
    // the outcome is certain, and asking on could take hours
    if (slow > slowAllowed(rows.length)) break;
  }
  return parityReport(answers, rows.length, limits);
}

async function download(uri: string, bucketName: string): Promise<string> {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (match === null) throw new UnreadableSample(`the sample's address ${uri} is no s3://<bucket>/<key>`);
  const [, bucket, key] = match;
  if (bucket !== bucketName) throw new UnreadableSample(`the sample ${uri} is not in the bucket of samples ${bucketName}`);
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return await answer.Body?.transformToString() ?? '';
  } catch (error) {
    if (error instanceof Error && ['NoSuchKey', 'AccessDenied'].includes(error.name)) {
      throw new UnreadableSample(`the sample ${uri} cannot be read: ${error.name}`);
    }
    throw error;
  }
}

/** An error of the model is an answer here; one of SageMaker, which may pass, is not. */
async function ask(endpointName: string, row: SampleRow): Promise<ServedAnswer> {
  const started = performance.now();
  const measured = () => performance.now() - started;
  try {
    const answer = await runtime.send(new InvokeEndpointCommand({
      EndpointName: endpointName, Body: row.payload, ContentType: 'text/csv', Accept: 'text/csv',
    }));
    return { expected: row.prediction, body: Buffer.from(answer.Body ?? []).toString('utf8'), measuredMilliseconds: measured() };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ModelError') throw error;
    return { expected: row.prediction, error: error.message, measuredMilliseconds: measured() };
  }
}

export const handler = perModel(handle);
