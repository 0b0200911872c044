import { Node, parseExpression } from './expression-parser';
import { AwsError, Unsupported } from '../cloud/types';

/** One value per period, oldest first; undefined where there is no data point. */
export type Points = (number | undefined)[];
/** A number, a time series, or an array of time series. */
export type Value = number | Points | { readonly list: Points[] };

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
  private readonly root: Node;

  constructor(readonly text: string) {
    this.root = parseExpression(text);
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
