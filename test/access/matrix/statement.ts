type Json = Record<string, unknown>;

/** A statement of a policy, and where it is from. */
export class Statement {
  static ofPolicy(policy: string, document: unknown, isProtection: (json: Json) => boolean = ({ Effect }) => Effect === 'Deny'): Statement[] {
    const { Statement: statements } = document as { Statement: Json | Json[] };
    return [statements].flat().map((json, i) => new Statement(policy, json, isProtection(json), i));
  }

  private readonly known = new Map<string, boolean>();
  private readonly patterns: RegExp[];
  private readonly inverted: boolean;

  /**
   * @param policy name of the policy, for people
   * @param json the statement as IAM reads it
   * @param isProtection whether it is there to keep somebody from something
   */
  constructor(readonly policy: string, readonly json: Json, readonly isProtection: boolean, private readonly index: number) {
    this.inverted = json.NotAction !== undefined;
    this.patterns = [json.NotAction ?? json.Action].flat().map((action) => asPattern(String(action)));
  }

  get denies(): boolean {
    return this.json.Effect === 'Deny';
  }

  get sid(): string {
    return typeof this.json.Sid === 'string' ? this.json.Sid : `statement ${this.index + 1}`;
  }

  /** Its name, for people. */
  get label(): string {
    return `${this.sid} of ${this.policy}`;
  }

  /** Whether the statement speaks of an action. */
  speaksOf(action: string): boolean {
    const known = this.known.get(action) ?? this.patterns.some((pattern) => pattern.test(action)) !== this.inverted;
    this.known.set(action, known);
    return known;
  }

  /** The operators of its condition. */
  get operators(): string[] {
    return Object.keys((this.json.Condition ?? {}) as object);
  }

  /** The same with one operator of its condition left out. */
  without(operator: string): Statement {
    const { Condition, ...json } = this.json;
    const { [operator]: _left, ...rest } = Condition as Record<string, unknown>;
    return new Statement(this.policy, { ...json, ...Object.keys(rest).length === 0 ? {} : { Condition: rest } }, this.isProtection, this.index);
  }
}

function asPattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`, 'i');
}
