import { AthenaClient, GetQueryResultsCommand } from '@aws-sdk/client-athena';
import { mockClient } from 'aws-sdk-client-mock';
import { PAIRING_COLUMNS } from '../../src/domain/pairing-sql';
import { numberIn, readQueryResult } from '../../src/serving/athena-io';
import { healthProblem, sumCounts } from '../../src/staging/shadow-health';

const limits = { samplingPercentage: 100, maxErrorRate: 0.01, maxLatencyP95Milliseconds: 1000 };
const well = { invocations: 0, serverErrors: 0, modelErrors: 0, latencyP95: [] };
const counts = (other: Record<string, number> = {}) => ({ ...Object.fromEntries(PAIRING_COLUMNS.map((column) => [column, 0])), ...other });

describe('the health of a shadow', () => {
  test.each<[string, Parameters<typeof healthProblem>, RegExp | undefined]>([
    ['nothing has happened', [well, counts(), limits], undefined],
    ['one of a hundred failed', [{ ...well, invocations: 100, serverErrors: 1 }, counts(), limits], undefined],
    ['two of a hundred failed', [{ ...well, invocations: 100, modelErrors: 2 }, counts(), limits], /failed 2 of 100 requests \(2 %\)/],
    ['there are too few to tell', [{ ...well, invocations: 49, serverErrors: 40 }, counts({ requests: 49, without_challenger: 49 }), limits], undefined],
    ['answers are no numbers', [well, counts({ requests: 100, bad_challenger: 2 }), limits], /left 0 unanswered and 2 without a number/],
    ['answers are missing', [well, counts({ requests: 100, without_challenger: 2 }), limits], /left 2 unanswered/],
    ['the champion failed as well', [well, counts({ requests: 100, without_champion: 30, bad_champion: 30, batched: 20 }), limits], undefined],
    ['half of the requests are sampled', [well, counts({ requests: 1000, without_challenger: 520 }), { ...limits, samplingPercentage: 50 }], undefined],
    ['more is missing than sampling explains', [well, counts({ requests: 1000, without_challenger: 600 }), { ...limits, samplingPercentage: 50 }], /left 53 unanswered/],
    ['two slow hours are not enough', [{ ...well, latencyP95: [5e6, 5e6] }, counts(), limits], undefined],
    ['one slow hour of three is not', [{ ...well, latencyP95: [5e6, 1e5, 1e5] }, counts(), limits], undefined],
    ['most hours are slow', [{ ...well, latencyP95: [5e6, 2e6, 1e5] }, counts(), limits], /p95 latency is 2000 ms/],
  ])('where %s', (_, args, problem) => {
    const found = healthProblem(...args);
    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });

  test('counters add up over hours', () => {
    const row = Object.fromEntries(PAIRING_COLUMNS.map((column) => [column, '2']));
    expect(sumCounts([row, row])).toMatchObject({ pairs: 4, requests: 4, unknown_labels: 4 });
    expect(sumCounts([])).toMatchObject({ pairs: 0 });
  });
});

describe('the result of a query', () => {
  const athena = mockClient(AthenaClient);
  const page = (rows: (string | undefined)[][], NextToken?: string) => ({
    ResultSet: { Rows: rows.map((values) => ({ Data: values.map((VarCharValue) => ({ VarCharValue })) })) }, NextToken,
  });

  test('is read to its last page, the names of the columns once', async () => {
    athena.on(GetQueryResultsCommand).resolves(page([['5', '6']]));
    athena.on(GetQueryResultsCommand, { QueryExecutionId: 'q', NextToken: undefined }).resolvesOnce(page([['a', 'b'], ['1', undefined]], 'more'));
    expect(await readQueryResult('q')).toEqual([{ a: '1', b: undefined }, { a: '5', b: '6' }]);
  });

  test('a number that is none is an error, never a zero', () => {
    expect(numberIn({ a: '1.5E-3' }, 'a')).toBe(0.0015);
    for (const text of [undefined, '', 'NaN', 'Infinity', 'x']) expect(() => numberIn({ a: text }, 'a')).toThrow('expected a number');
  });
});
