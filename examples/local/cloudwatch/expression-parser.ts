import { AwsError, Unsupported } from '../cloud/types';

/** A metric math expression as a tree; operators are calls too. */
export type Node =
  | { kind: 'number'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'list'; items: Node[] }
  | { kind: 'call'; name: string; items: Node[] };

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_][A-Za-z0-9_]*)|(<=|>=|==|!=|&&|\|\||[-+*/^()<>,[\]]))/y;

/** Binary operators by how tightly they bind, loosest first. */
const LEVELS: string[][] = [['||', 'OR'], ['&&', 'AND'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/']];

/** Reads a metric math expression. */
export const parseExpression = (text: string): Node => new Parser(text).parse();

class Parser {
  private readonly tokens: string[] = [];
  private position = 0;

  constructor(private readonly text: string) {
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const from = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (match === null) throw new Unsupported(`the metric math expression ${text} (at '${text.slice(from)}')`);
      this.tokens.push(match[1] ?? match[2] ?? match[3]);
    }
  }

  parse(): Node {
    const root = this.binary(0);
    if (this.position < this.tokens.length) throw this.invalid();
    return root;
  }

  private binary(level: number): Node {
    if (level === LEVELS.length) return this.power();
    let left = this.binary(level + 1);
    while (LEVELS[level].includes(this.tokens[this.position])) {
      const operator = this.next();
      const name = operator === 'AND' ? '&&' : operator === 'OR' ? '||' : operator;
      left = { kind: 'call', name, items: [left, this.binary(level + 1)] };
    }
    return left;
  }

  private power(): Node {
    const base = this.primary();
    if (this.tokens[this.position] !== '^') return base;
    this.next();
    return { kind: 'call', name: '^', items: [base, this.power()] };
  }

  private primary(): Node {
    const token = this.next();
    if (token === '-') return { kind: 'call', name: '*', items: [{ kind: 'number', value: -1 }, this.power()] };
    if (token === '(') {
      const inner = this.binary(0);
      this.expect(')');
      return inner;
    }
    if (token === '[') return { kind: 'list', items: this.items(']') };
    if (/^[\d.]/.test(token)) return { kind: 'number', value: Number(token) };
    if (!/^\w/.test(token)) throw this.invalid();
    if (this.tokens[this.position] !== '(') return { kind: 'name', name: token };
    this.next();
    return { kind: 'call', name: token, items: this.items(')') };
  }

  private items(end: string): Node[] {
    const items: Node[] = [];
    while (this.tokens[this.position] !== end) {
      if (items.length > 0) this.expect(',');
      items.push(this.binary(0));
    }
    this.next();
    return items;
  }

  private next(): string {
    if (this.position >= this.tokens.length) throw this.invalid();
    return this.tokens[this.position++];
  }

  private expect(token: string): void {
    if (this.next() !== token) throw this.invalid();
  }

  private invalid(): AwsError {
    return new AwsError('ValidationError', `Error in expression '${this.text}': Syntax error`);
  }
}
