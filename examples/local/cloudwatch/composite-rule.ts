import { AlarmState } from './alarm-evaluation';
import { AwsError } from '../cloud/types';

export interface CompositeRule {
  /** Names of the alarms that it refers to. */
  readonly alarms: string[];
  holds(stateOf: (alarm: string) => AlarmState): boolean;
}

type Test = (stateOf: (alarm: string) => AlarmState) => boolean;

const TOKEN = /\s*(?:"([^"]*)"|([()])|([^\s()"]+))/y;

/** `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(c))`; alarms by name or ARN. */
export function parseCompositeRule(text: string): CompositeRule {
  const tokens: { text: string; quoted: boolean }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (match === null) throw invalid(text);
    tokens.push({ text: match[1] ?? match[2] ?? match[3], quoted: match[1] !== undefined });
  }
  const alarms: string[] = [];
  let position = 0;
  const peek = (): string | undefined => (tokens[position]?.quoted === false ? tokens[position].text : undefined);
  const expect = (wanted: string): void => {
    if (peek() !== wanted) throw invalid(text);
    position += 1;
  };

  const or = (): Test => {
    let left = and();
    while (peek()?.toUpperCase() === 'OR') {
      position += 1;
      const [a, b] = [left, and()];
      left = (stateOf) => a(stateOf) || b(stateOf);
    }
    return left;
  };
  const and = (): Test => {
    let left = not();
    while (peek()?.toUpperCase() === 'AND') {
      position += 1;
      const [a, b] = [left, not()];
      left = (stateOf) => a(stateOf) && b(stateOf);
    }
    return left;
  };
  const not = (): Test => {
    const token = peek()?.toUpperCase();
    position += 1;
    switch (token) {
      case 'NOT': {
        const inner = not();
        return (stateOf) => !inner(stateOf);
      }
      case '(': {
        const inner = or();
        expect(')');
        return inner;
      }
      case 'TRUE': return () => true;
      case 'FALSE': return () => false;
      case 'ALARM': case 'OK': case 'INSUFFICIENT_DATA': {
        expect('(');
        const reference = tokens[position]?.text ?? '';
        position += 1;
        expect(')');
        const name = alarmName(reference);
        alarms.push(name);
        return (stateOf) => stateOf(name) === token;
      }
      default: throw invalid(text);
    }
  };

  const test = or();
  if (position < tokens.length) throw invalid(text);
  return { alarms: [...new Set(alarms)], holds: test };
}

/** The name of an alarm given by name or ARN. */
export function alarmName(reference: string): string {
  return /^arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:(.+)$/.exec(reference)?.[1] ?? reference;
}

const invalid = (text: string): AwsError => new AwsError('ValidationError', `AlarmRule must be a valid rule expression, got ${text}`);
