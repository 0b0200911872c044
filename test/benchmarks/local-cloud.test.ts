import { AT_ONCE, benchmark, Result, table } from './local-cloud/benchmark';
import { Call } from './local-cloud/calls';
import { BareServer, Client, compare, median } from './local-cloud/measure';

describe('the benchmark of the local cloud', () => {
  let results: Result[];
  beforeAll(async () => { results = await benchmark(2, 3); });

  test('measures the prediction service, its parts, and what platforms use beside it', () => {
    expect(results.map(({ name }) => name)).toEqual([
      'SageMaker: InvokeEndpoint', 'API Gateway → SageMaker endpoint', 'Lambda: Invoke', 'Lambda → SageMaker endpoint',
      'S3: PutObject, 1 KiB', 'S3: GetObject, 1 KiB', 'DynamoDB: PutItem, 1 KiB', 'DynamoDB: GetItem, 1 KiB', 'EventBridge: PutEvents, a rule to a queue',
    ]);
    for (const { answerBytes, inTurn, together } of results) {
      expect(answerBytes).toBeGreaterThanOrEqual(0);
      for (const { milliseconds, bareMilliseconds, ratio } of [inTurn, together]) {
        for (const figure of [milliseconds, bareMilliseconds, ratio]) expect(Number.isFinite(figure) && figure > 0).toBe(true);
      }
    }
    const sizes = Object.fromEntries(results.map(({ name, requestBytes, answerBytes }) => [name, [requestBytes, answerBytes]]));
    expect(sizes['S3: PutObject, 1 KiB']).toEqual([1024, 0]);
    expect(sizes['S3: GetObject, 1 KiB']).toEqual([0, 1024]);
  });

  test('makes a table of ratios', () => {
    const lines = table(results).trim().split('\n');
    expect(lines).toHaveLength(results.length + 2);
    expect(lines[0]).toContain(`${AT_ONCE} at once`);
    for (const line of lines.slice(2)) expect(line).toMatch(/^\| .* \| \d+ \/ \d+ \| \d+\.\d\d ms \| \d+\.\d \| \d+\.\d\d ms \| \d+\.\d \|$/);
  });
});

test('a wrong answer ends the measurement', () => {
  const where = { endpoint: 'http://127.0.0.1:1', region: 'r', accessKeyId: 'k', api: 'http://127.0.0.1:1/api/live/', endpointName: 'e', bucket: 'b', table: 't', echo: 'f', ask: 'g' };
  const [invoke] = Call.all(where);
  expect(() => invoke.check(200, '36.0')).not.toThrow();
  expect(() => invoke.check(403, '36.0')).toThrow('SageMaker: InvokeEndpoint: 403 36.0');
  expect(() => invoke.check(200, '35.0')).toThrow('SageMaker: InvokeEndpoint: 200 35.0');
});

test('the bare server answers a request of the same size with as many bytes as it is to', async () => {
  const [server, client] = [await BareServer.start(), new Client()];
  try {
    const sent = { url: new URL('http://127.0.0.1:1/'), method: 'POST', headers: {}, body: 'x'.repeat(100) };
    for (const bytes of [0, 1024]) expect(await client.send(server.like(sent, bytes))).toEqual({ status: 200, body: 'x'.repeat(bytes) });
  } finally {
    client.close();
    await server.stop();
  }
});

test('the cloud and the bare server take turns, so many at once', async () => {
  let [order, underWay, most] = ['', 0, 0];
  const sends = (letter: string) => async () => {
    order += letter;
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
  };
  await compare(sends('c'), sends('b'), { rounds: 2, requests: 5, atOnce: 3 }, async () => { order += '.'; });
  expect(order).toBe('bbbbbccccc.bbbbbccccc.');
  expect(most).toBe(3);
});

test.each([[[3, 1, 2], 2], [[4, 1, 2, 3], 2.5], [[7], 7]])('the median of %j is %d', (values, expected) => expect(median(values)).toBe(expected));
