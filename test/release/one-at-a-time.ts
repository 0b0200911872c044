import { AsyncLocalStorage } from 'async_hooks';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** Somebody ended the execution at a call, before it or after its effect. */
export class Killed extends Error {
  public readonly name = 'Killed';
}

interface Actor {
  calls: number;
  /** Which handler it is in, counted over all; 0 between handlers. */
  handler: number;
  readonly diesAt: number;
  /** Lets its next call go on. */
  go?: () => void;
  /** It waits again, or has ended. */
  settled?: () => void;
}

/**
 * Runs several programs that talk to DynamoDB so that one call happens at a time, and whose it is follows from a seed:
 * every order of calls that could happen can happen here, and the same seed gives the same one again.
 */
export class Stage {
  private readonly actors = new Set<Actor>();
  private readonly local = new AsyncLocalStorage<Actor>();
  private readonly failures: unknown[] = [];
  private state: number;
  private readonly constancy: number;
  private handlers = 0;
  private last?: Actor;

  constructor(seed: number) {
    this.state = seed % 2147483647;
    this.constancy = [0, 0.5, 0.9, 0.97][Math.floor(this.random() * 4)];
    const real = DynamoDBClient.prototype.send as (this: DynamoDBClient, command: object) => Promise<object>;
    const { local } = this;
    const turn = (actor: Actor): Promise<void> => this.turn(actor);
    const random = (): number => this.random();
    jest.restoreAllMocks();
    const original = (DynamoDBClient.prototype as { original?: typeof real }).original ?? real;
    (DynamoDBClient.prototype as { original?: typeof real }).original = original;
    jest.spyOn(DynamoDBClient.prototype, 'send').mockImplementation(async function (this: DynamoDBClient, command: object) {
      const actor = local.getStore();
      if (actor === undefined) return original.call(this, command);
      await turn(actor);
      actor.calls += 1;
      if (actor.calls > actor.diesAt) throw new Killed('it was ended before');
      const dies = actor.calls === actor.diesAt;
      if (dies && random() < 0.5) throw new Killed('ended before the call');
      const answer = await original.call(this, command);
      if (dies) throw new Killed('ended after the call');
      return answer;
    } as never);
  }

  /** From 0 to 1. */
  random(): number {
    this.state = (this.state * 16807) % 2147483647;
    return this.state / 2147483647;
  }

  /** A program enters, and waits for its turn at its first call. */
  enter(program: () => Promise<void>, diesAt = Infinity): void {
    const actor: Actor = { calls: 0, handler: 0, diesAt };
    this.actors.add(actor);
    void this.local.run(actor, async () => {
      try {
        await this.turn(actor);
        await program();
      } catch (error) {
        this.failures.push(error);
      }
      this.actors.delete(actor);
      actor.settled?.();
    });
  }

  /** What happens within is one call of a handler. */
  async within<T>(handler: () => Promise<T>): Promise<T> {
    const actor = this.local.getStore()!;
    actor.handler = this.handlers += 1;
    try {
      return await handler();
    } finally {
      actor.handler = 0;
    }
  }

  /** Waits until every handler has ended that somebody else is in now: no handler runs for longer than its timeout. */
  async outlast(): Promise<void> {
    const me = this.local.getStore()!;
    const open = [...this.actors].filter((actor) => actor !== me && actor.handler !== 0).map((actor) => ({ actor, handler: actor.handler }));
    while (open.some(({ actor, handler }) => this.actors.has(actor) && actor.handler === handler)) await this.turn(me);
  }

  /** Lets one after the other do a call, until all have ended. Some do many in a row, while others stand still. */
  async play(): Promise<void> {
    while (this.actors.size > 0) {
      const waiting = [...this.actors].filter(({ go }) => go !== undefined);
      const again = this.last !== undefined && waiting.includes(this.last) && this.random() < this.constancy;
      const next = again ? this.last! : waiting[Math.floor(this.random() * waiting.length)];
      this.last = next;
      const { go } = next;
      next.go = undefined;
      await new Promise<void>((resolve) => {
        next.settled = resolve;
        go!();
      });
    }
    if (this.failures.length > 0) throw this.failures[0];
  }

  private async turn(actor: Actor): Promise<void> {
    await new Promise<void>((resolve) => {
      actor.go = resolve;
      actor.settled?.();
    });
  }
}
