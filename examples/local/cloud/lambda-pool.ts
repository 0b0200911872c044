import { ExecutionEnvironment, FunctionCode } from './lambda-environment';
import { Json } from './types';

/** Warm environments of all functions together: a thread with the AWS SDK takes tens of megabytes. */
const MAX_WARM = 24;
/** Idle environments, the longest idle first, and the pool that each belongs to. */
const idle = new Map<ExecutionEnvironment, FunctionPool>();

/** The execution environments of one function: at most `limit` at a time, kept warm while there is room. */
export class FunctionPool {
  private readonly environments = new Set<ExecutionEnvironment>();
  private readonly waiting: ((environment: ExecutionEnvironment) => void)[] = [];

  constructor(private readonly code: FunctionCode, private readonly limit: number) {}

  async invoke(event: Json): Promise<Json> {
    const environment = await this.acquire();
    try {
      return await environment.invoke(event);
    } finally {
      this.release(environment);
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.environments].map((environment) => this.drop(environment)));
  }

  private async acquire(): Promise<ExecutionEnvironment> {
    for (const [environment, pool] of idle) {
      if (pool !== this) continue;
      idle.delete(environment);
      return environment;
    }
    if (this.environments.size >= this.limit) return new Promise((resolve) => this.waiting.push(resolve));
    return this.make();
  }

  private release(environment: ExecutionEnvironment): void {
    const next = this.waiting.shift();
    if (!environment.alive) void this.drop(environment);
    if (next) {
      next(environment.alive ? environment : this.make());
    } else if (environment.alive) {
      idle.set(environment, this);
      const oldest = idle.entries().next().value;
      if (idle.size > MAX_WARM && oldest) void oldest[1].drop(oldest[0]);
    }
  }

  private make(): ExecutionEnvironment {
    const made = new ExecutionEnvironment(this.code);
    this.environments.add(made);
    return made;
  }

  private drop(environment: ExecutionEnvironment): Promise<void> {
    idle.delete(environment);
    this.environments.delete(environment);
    return environment.stop();
  }
}
