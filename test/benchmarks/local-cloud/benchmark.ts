import { BareServer, Client, compare, Compared } from './measure';
import { World } from './world';

/** Requests that are sent at once where they do not wait for each other. */
export const AT_ONCE = 8;

/** One kind of call. */
export interface Result {
  readonly name: string;
  readonly requestBytes: number;
  readonly answerBytes: number;
  /** One request after the other. */
  readonly inTurn: Compared;
  /** Several under way at once. */
  readonly together: Compared;
}

/** Starts a local cloud and a bare server, measures each call against the latter, and stops both. */
export async function benchmark(rounds: number, requests: number, tell: (name: string) => void = () => undefined): Promise<Result[]> {
  const client = new Client();
  const server = await BareServer.start();
  try {
    const world = await World.start();
    try {
      const results: Result[] = [];
      for (const call of world.calls) {
        tell(call.name);
        const measured = async (): Promise<string> => {
          const { status, body } = await client.send(call);
          call.check(status, body);
          return body;
        };
        const answerBytes = Buffer.byteLength(await measured());
        const like = server.like(call, answerBytes);
        const bare = () => client.send(like);
        const settle = () => world.settle();
        // as long as the first requests take, code is compiled and connections are opened
        await compare(measured, bare, { rounds: 1, requests: Math.min(requests, 50), atOnce: AT_ONCE }, settle);
        results.push({
          name: call.name,
          requestBytes: Buffer.byteLength(call.body),
          answerBytes,
          inTurn: await compare(measured, bare, { rounds, requests, atOnce: 1 }, settle),
          together: await compare(measured, bare, { rounds, requests, atOnce: AT_ONCE }, settle),
        });
      }
      return results;
    } finally {
      await world.stop();
    }
  } finally {
    client.close();
    await server.stop();
  }
}

/** The results as a table. */
export function table(results: readonly Result[]): string {
  const lines = results.map(({ name, requestBytes, answerBytes, inTurn, together }) =>
    `| ${name} | ${requestBytes} / ${answerBytes} | ${inTurn.milliseconds.toFixed(2)} ms | ${inTurn.ratio.toFixed(1)} `
    + `| ${together.milliseconds.toFixed(2)} ms | ${together.ratio.toFixed(1)} |`);
  return [
    `| call | bytes there / back | one after the other | × bare | ${AT_ONCE} at once, for each | × bare |`, '|---|---|---:|---:|---:|---:|', ...lines, '',
  ].join('\n');
}
