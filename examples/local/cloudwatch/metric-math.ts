import { AwsError, Unsupported } from '../cloud/types';

/** One value per period, oldest first; undefined where there is no data point. */
export type Points = (number | undefined)[];
/** A number, a time series, or an array of time series. */
export type Value = number | Points | { readonly list: Points[] };

type Node =
  | { kind: 'number'; value: number }
  | { kind: 'name'; name: string }
  | { kind: 'list'; items: Node[] }
  | { kind: 'call'; name: string; items: Node[] };

const TOKEN = /\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|([A-Za-z_][A-Za-z0-9_]*)|(<=|>=|==|!=|&&|\|\||[-+*/^()<>,[\]]))/y;

/** Binary operators by how tightly they bind, loosest first. */
const LEVELS: string[][] = [['||', 'OR'], ['&&', 'AND'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/']];

const OPERATORS: Record<string, (a: number, b: number) => number | undefined> = {
  '||': (a, b) => Number(a !== 0 || b !== 0),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  // CloudWatch drops the data points of a division by zero.
  '/': (a, b) => (b === 0 ? undefined : a / b),
  '^': (a, b) => a ** b,
};

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const average = (values: number[]): number => sum(values) / values.length;
const AGGREGATES: Record<string, (values: number[]) => number> = {
  MAX: (values) => Math.max(...values),
  MIN: (values) => Math.min(...values),
  SUM: sum,
  AVG: average,
  STDDEV: (values) => Math.sqrt(average(values.map((value) => (value - average(values)) ** 2))),
};
const UNARY: Record<string, (value: number) => number> = {
  ABS: Math.abs, CEIL: Math.ceil, FLOOR: Math.floor, EXP: Math.exp, LOG: Math.log, LOG10: Math.log10, SQRT: Math.sqrt,
};

/** A metric math expression. */
export class Expression {
  private readonly tokens: string[] = [];
  private readonly root: Node;
  private position = 0;

  constructor(readonly text: string) {
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const from = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (match === null) throw new Unsupported(`the metric math expression ${text} (at '${text.slice(from)}')`);
      this.tokens.push(match[1] ?? match[2] ?? match[3]);
    }
    this.root = this.binary(0);
    if (this.position < this.tokens.length) throw this.invalid();
  }

  /** The ids that the expression uses. */
  ids(): string[] {
    const found = new Set<string>();
    const walk = (node: Node): void => {
      if (node.kind === 'name') found.add(node.name);
      else if (node.kind !== 'number') node.items.forEach(walk);
    };
    walk(this.root);
    found.delete('REPEAT');
    return [...found];
  }

  /** Computes it. `metrics` are the raw metrics of the request, for METRICS(). */
  evaluate(value: (id: string) => Points, metrics: () => Points[], length: number, periodSeconds: number): Value {
    const run = (node: Node): Value => {
      switch (node.kind) {
        case 'number': return node.value;
        case 'name': return value(node.name);
        case 'list': return { list: node.items.map((item) => asPoints(run(item), length)) };
        default: return this.call(node.name, node.items, run, metrics, length, periodSeconds);
      }
    };
    return run(this.root);
  }

  private call(name: string, items: Node[], run: (node: Node) => Value, metrics: () => Points[], length: number, period: number): Value {
    if (OPERATORS[name] !== undefined) return zip(run(items[0]), run(items[1]), OPERATORS[name]);
    if (name === 'METRICS' && items.length === 0) return { list: metrics() };
    if (name === 'PERIOD' && items.length === 1) return period;
    if (name === 'FILL' && items.length === 2) return this.fill(asPoints(run(items[0]), length), items[1], run);
    if (name === 'IF' && (items.length === 2 || items.length === 3)) {
      const [condition, then, otherwise] = items.map(run).map((item) => asPoints(item, length));
      return condition.map((test, index) => (test === undefined ? undefined : test !== 0 ? then[index] : otherwise?.[index]));
    }
    if (AGGREGATES[name] !== undefined && items.length === 1) return aggregate(run(items[0]), AGGREGATES[name]);
    if (UNARY[name] !== undefined && items.length === 1) return zip(run(items[0]), 0, (a) => UNARY[name](a));
    throw new Unsupported(`the metric math function ${name} with ${items.length} arguments`);
  }

  private fill(points: Points, filler: Node, run: (node: Node) => Value): Points {
    if (filler.kind === 'name' && filler.name === 'REPEAT') {
      let last: number | undefined;
      return points.map((point) => (last = point ?? last));
    }
    if (filler.kind === 'name' && filler.name === 'LINEAR') throw new Unsupported('FILL(…, LINEAR) in metric math');
    const value = run(filler);
    return points.map((point, index) => point ?? (typeof value === 'number' ? value : asPoints(value, points.length)[index]));
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

/** A value as one time series. */
export function asPoints(value: Value, length: number): Points {
  if (typeof value === 'number') return new Array<number>(length).fill(value);
  if (Array.isArray(value)) return value;
  throw new AwsError('ValidationError', 'an array of time series stands where one time series is needed');
}

function zip(a: Value, b: Value, operator: (a: number, b: number) => number | undefined): Value {
  if (typeof a === 'number' && typeof b === 'number') return operator(a, b) ?? [];
  if (typeof a === 'object' && 'list' in a) return { list: a.list.map((points) => zip(points, b, operator) as Points) };
  if (typeof b === 'object' && 'list' in b) return { list: b.list.map((points) => zip(a, points, operator) as Points) };
  const length = Array.isArray(a) ? a.length : (b as Points).length;
  const [left, right] = [asPoints(a, length), asPoints(b, length)];
  return left.map((value, index) => {
    const other = right[index];
    return value === undefined || other === undefined ? undefined : operator(value, other);
  });
}

/** Of one time series a number; of an array one time series. */
function aggregate(value: Value, of: (values: number[]) => number): Value {
  const present = (points: Points): number[] => points.filter((point) => point !== undefined);
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) {
    const values = present(value);
    return values.length === 0 ? value : of(values);
  }
  return (value.list[0] ?? []).map((_, index) => {
    const values = present(value.list.map((points) => points[index]));
    return values.length === 0 ? undefined : of(values);
  });
}
