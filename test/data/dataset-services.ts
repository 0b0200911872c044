import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { AwsClientStub, mockClient } from 'aws-sdk-client-mock';
import { MemoryGlue } from './memory-glue';
import { MemoryS3 } from './memory-s3';
import { handler as publish } from '../../src/data/publish-dataset.lambda';
import { DatasetCandidate, DatasetManifest } from '../../src/domain/dataset';
import { DatasetFile, ReadingPlan } from '../../src/domain/dataset-sources';
import { DatasetPublished } from '../../src/domain/events';

/** What the handlers of a pipeline work with, in memory; make one for each test. */
export class PipelineServices {
  readonly s3 = new MemoryS3();
  readonly glue = new MemoryGlue();
  readonly events = mockClient(EventBridgeClient) as unknown as AwsClientStub<EventBridgeClient>;
  /** Executions that are over, and those that Step Functions does not know. */
  readonly ended = new Set<string>();
  readonly unknown = new Set<string>();

  constructor() {
    this.events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
    mockClient(SFNClient).on(DescribeExecutionCommand).callsFake(({ executionArn }: { executionArn: string }) => {
      if (this.unknown.has(executionArn)) throw Object.assign(new Error('none'), { name: 'ExecutionDoesNotExist' });
      return { status: this.ended.has(executionArn) ? 'FAILED' : 'RUNNING' };
    });
    for (const name of ['QUERY', 'KEY', 'CHECKS_AGE']) delete process.env[name];
    Object.assign(process.env, {
      BUCKET: 'curated',
      PREFIX: 'datasets/Weather',
      RUNS_PREFIX: 'runs/Weather',
      SOURCE_BUCKET: 'sources',
      SOURCE_PREFIX: 'uploads/Weather/',
      EVENT_BUS: 'default',
      READING: 'everything',
      DATABASE: 'lake',
      SCRIPT_URI: 's3://assets/weather.py',
    });
  }

  get announced(): DatasetPublished[] {
    return this.events.commandCalls(PutEventsCommand).map((call) => JSON.parse(call.args[0].input.Entries![0].Detail!) as DatasetPublished);
  }

  manifest(version: string): DatasetManifest {
    return this.s3.json<DatasetManifest>(`curated/datasets/Weather/${version}/manifest.json`);
  }

  upload(name: string, body = 'x'): void {
    this.s3.put(`sources/uploads/Weather/${name}`, body);
  }

  fileAt(path: string): DatasetFile {
    const { etag, versionId, body, modified } = this.s3.objects.get(`sources/uploads/Weather/${path}`)!;
    return { path, etag: etag.replaceAll('"', ''), versionId, bytes: body.length, modified: modified.toISOString() };
  }

  /** Lets a run's job leave its report, and publishes. */
  async publishing(run: string, report: DatasetCandidate, given: Partial<ReadingPlan> = {}, attempt = 1) {
    const folder = `runs/Weather/${run}`;
    this.s3.put(`curated/${folder}/candidate.json`, JSON.stringify(report));
    this.s3.put(`curated/${folder}/reading.json`, JSON.stringify({ reading: 'everything', files: [], kept: [], ...given }));
    return publish({ run, reportKey: `${folder}/candidate.json`, readingKey: `${folder}/reading.json`, attempt });
  }
}

export function candidate(version: string, given: Partial<DatasetCandidate> = {}): DatasetCandidate {
  return {
    dataset: 'Weather',
    time: '2013-04-01T00:00:00.000Z',
    version,
    contentHash: `hash of ${version}`,
    unchanged: false,
    rows: { train: 80, holdout: 20 },
    schema: [{ name: 'temp', type: 'double' }],
    target: 'temp_in_24h',
    split: { method: 'time', share: 0.2, column: 'time_hour', from: '2013-03-13T10:00:00.000Z' },
    quality: { passed: true, rules: [{ rule: 'at least 1 rows', passed: true, observed: 100 }] },
    ...given,
  };
}

