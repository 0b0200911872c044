import { IConstruct } from 'constructs';

/** Collects everything that is wrong with a construct's props, so that a user sees all of it in one error. */
export class Problems {
  private readonly found: string[] = [];

  constructor(private readonly construct: IConstruct) {}

  /** Notes a problem unless the condition holds. Say what was given, what is allowed and what to change. */
  check(condition: boolean, problem: string): this {
    if (!condition) this.found.push(problem);
    return this;
  }

  /** Notes what has been found wrong already; what is undefined was not. */
  note(...problems: readonly (string | undefined)[]): this {
    this.found.push(...problems.filter((problem) => problem !== undefined));
    return this;
  }

  throwIfAny(): void {
    if (this.found.length === 0) return;
    const list = this.found.length === 1 ? this.found[0] : this.found.map((problem, i) => `\n  ${i + 1}. ${problem}`).join('');
    throw new Error(`${this.construct.node.path}: ${list}`);
  }
}
