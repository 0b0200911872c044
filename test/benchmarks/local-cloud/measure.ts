import { Agent, createServer, request, Server } from 'http';
import { AddressInfo } from 'net';

/** What is sent. */
export interface Sent {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How one way of sending requests compares with a bare server. */
export interface Compared {
  /** Milliseconds for each request, of the cloud and of the bare server; the median of the rounds. */
  readonly milliseconds: number;
  readonly bareMilliseconds: number;
  /** The median of the rounds' own ratios. */
  readonly ratio: number;
}

/** A keep-alive client: the same for the local cloud and for the bare server. */
export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  send({ url, method, headers, body }: Sent): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { method, agent: this.agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (answer) => {
        const pieces: Buffer[] = [];
        answer.on('data', (piece: Buffer) => pieces.push(piece));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString() }));
        answer.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A node server that reads what it is sent and answers as many bytes as its path says, in this process, as the local cloud's own port does. */
export class BareServer {
  static async start(): Promise<BareServer> {
    const server = createServer((incoming, outgoing) => {
      incoming.on('data', () => undefined);
      incoming.on('end', () => outgoing.end('x'.repeat(Number((incoming.url ?? '/0').slice(1)))));
    });
    server.keepAliveTimeout = 600_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new BareServer(server);
  }

  private constructor(private readonly server: Server) {}

  /** A request of the same size that is answered with so many bytes. */
  like(sent: Sent, answerBytes: number): Sent {
    return { ...sent, url: new URL(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${answerBytes}`) };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export interface Rounds {
  readonly rounds: number;
  /** Requests of each round, to either. */
  readonly requests: number;
  /** Requests that are under way at once. */
  readonly atOnce: number;
}

/**
 * Sends as many requests to one as to the other, by turns in short rounds: what else the machine does meanwhile slows both.
 *
 * @param after what is waited for after a round, outside of the measured time
 */
export async function compare(
  measured: () => Promise<unknown>, bare: () => Promise<unknown>, { rounds, requests, atOnce }: Rounds, after: () => Promise<void>,
): Promise<Compared> {
  const taken: { cloud: number; bare: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const bareTime = await timed(bare, requests, atOnce);
    const cloud = await timed(measured, requests, atOnce);
    await after();
    taken.push({ cloud, bare: bareTime });
  }
  return {
    milliseconds: median(taken.map(({ cloud }) => cloud)),
    bareMilliseconds: median(taken.map(({ bare: own }) => own)),
    ratio: median(taken.map(({ cloud, bare: own }) => cloud / own)),
  };
}

/** Milliseconds for each request. */
async function timed(send: () => Promise<unknown>, requests: number, atOnce: number): Promise<number> {
  let left = requests;
  const started = performance.now();
  await Promise.all(Array.from({ length: Math.min(atOnce, requests) }, async () => {
    while (left-- > 0) await send();
  }));
  return (performance.now() - started) / requests;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}
