import { candidate, PipelineServices } from './dataset-services';
import { handler as plan } from '../../src/data/plan-dataset.lambda';
import { handler as publish } from '../../src/data/publish-dataset.lambda';
import { DatasetCandidate } from '../../src/domain/dataset';
import { ReadingPlan } from '../../src/domain/dataset-sources';

let services: PipelineServices;
beforeEach(() => { services = new PipelineServices(); });

describe('reading new files only', () => {
  beforeEach(() => { Object.assign(process.env, { READING: 'newFiles', KEY: '["id"]' }); });
  let runs = 0;

  /** A whole run: plans, lets the job leave its report, publishes, and is over. Answers what it read. */
  async function whole(report: Partial<DatasetCandidate> = {}): Promise<{ read?: string[]; outcome: string; args: Record<string, string> }> {
    const execution = `arn:aws:states:r:a:execution:Machine:r${String(++runs).padStart(3, '0')}`;
    const planned = await plan({ time: `2013-05-01T00:00:00.${String(runs).padStart(3, '0')}Z`, execution, attempt: 0 });
    services.ended.add(execution);
    if (planned.outcome !== 'run') return { outcome: planned.outcome, args: {} };
    const { files } = services.s3.json<ReadingPlan>(`curated/${planned.readingKey}`);
    services.s3.put(`curated/${planned.reportKey}`, JSON.stringify(candidate(`v${String(runs).padStart(3, '0')}`, report)));
    const { outcome } = await publish(planned);
    return { outcome, read: files.map(({ path }) => path), args: planned.arguments };
  }

  test('each content is read once: what arrives, what is overwritten, what comes late under an older name', async () => {
    services.upload('b.csv');
    services.upload('c.csv');
    expect(await whole()).toMatchObject({ outcome: 'published', read: ['b.csv', 'c.csv'] });
    expect(await whole()).toMatchObject({ outcome: 'nothingNew' });
    services.upload('d.csv');
    const second = await whole();
    expect(second).toMatchObject({ outcome: 'published', read: ['d.csv'] });
    expect(second.args).toMatchObject({ '--inputs': expect.stringMatching(/^s3:\/\/curated\/runs\/Weather\/r\d+\/reading.json$/), '--parent': expect.stringMatching(/^s3:\/\/curated\/datasets\/Weather\/v\d+\/$/) });
    services.upload('c.csv', 'corrected');
    expect(await whole()).toMatchObject({ outcome: 'published', read: ['c.csv'] });
    services.upload('a.csv');
    expect(await whole()).toMatchObject({ outcome: 'published', read: ['a.csv'] });
    services.s3.objects.delete('sources/uploads/Weather/b.csv');
    expect(await whole()).toMatchObject({ outcome: 'nothingNew' });
    const { version } = services.s3.json<{ version: string }>('curated/datasets/Weather/latest.json');
    const files = services.manifest(version).sources[0].files!;
    expect(files.map(({ path }) => path).sort()).toEqual(['a.csv', 'b.csv', 'c.csv', 'd.csv']);
    expect(new Set(files.map(({ etag }) => etag)).size).toBe(4);
  });

  test('what a failed run read is read by the next', async () => {
    services.upload('a.csv');
    await whole();
    services.upload('b.csv');
    const bad = { quality: { passed: false, rules: [{ rule: 'x', passed: false, observed: 1 }] } };
    expect(await whole(bad)).toMatchObject({ outcome: 'rejected', read: ['b.csv'] });
    services.upload('c.csv');
    expect(await whole()).toMatchObject({ outcome: 'published', read: ['b.csv', 'c.csv'] });
  });

  test('what changed nothing is not read again', async () => {
    services.upload('a.csv');
    await whole();
    const { version } = services.s3.json<{ version: string }>('curated/datasets/Weather/latest.json');
    services.upload('copy of a.csv');
    expect(await whole({ contentHash: services.manifest(version).contentHash, unchanged: true })).toMatchObject({ outcome: 'unchanged', read: ['copy of a.csv'] });
    expect(await whole()).toMatchObject({ outcome: 'nothingNew' });
    expect(services.announced).toHaveLength(1);
  });

  test('a rule about the age of the rows is looked at though nothing arrived', async () => {
    services.upload('a.csv');
    await whole();
    process.env.CHECKS_AGE = 'true';
    expect(await whole({ quality: { passed: false, rules: [{ rule: 'age', passed: false, observed: 'old' }] } })).toMatchObject({ outcome: 'rejected', read: [] });
  });

  test('a file that is overwritten while the job runs is read again', async () => {
    services.upload('a.csv');
    const planned = await plan({ time: '2013-05-01T00:00:00Z', execution: 'arn:aws:states:r:a:execution:Machine:early', attempt: 0 });
    services.s3.put(`curated/${planned.reportKey}`, JSON.stringify(candidate('v1', { files: ['a.csv'] })));
    services.upload('a.csv', 'another');
    expect(await publish(planned)).toEqual({ outcome: 'again', reason: 'a.csv changed while the job ran' });
    expect(services.s3.objects.has('curated/datasets/Weather/v1/manifest.json')).toBe(false);
  });
});
