/**
 * What the rows of a dataset must satisfy before anything is published.
 *
 * @example
 * const quality = [DataQualityRule.notNull('temp', 0.01), DataQualityRule.range('humid', 0, 100)];
 */
export abstract class DataQualityRule {
  /**
   * A column has values.
   *
   * @param column name of the column
   * @param maxNullShare share of the rows that may lack a value; 0 unless given
   */
  public static notNull(column: string, maxNullShare?: number): DataQualityRule {
    const maxShare = maxNullShare ?? 0;
    const wrong = maxShare >= 0 && maxShare < 1 ? [] : [`maxNullShare of column ${column} must be at least 0 and less than 1, got ${maxShare}`];
    return new Declared({ rule: 'notNull', column, maxShare }, wrong);
  }

  /**
   * Every value of a column lies between two numbers, which are allowed themselves. Missing values are not looked at.
   */
  public static range(column: string, min: number, max: number): DataQualityRule {
    const wrong = min <= max ? [] : [`the range of column ${column} must have min ≤ max, got ${min} .. ${max}`];
    return new Declared({ rule: 'range', column, min, max }, wrong);
  }

  /** No two rows have the same values in these columns. */
  public static unique(columns: string[]): DataQualityRule {
    return new Declared({ rule: 'unique', columns }, columns.length > 0 ? [] : ['unique needs at least one column, got none']);
  }

  /** The dataset has at least so many rows. */
  public static rowCountAtLeast(rows: number): DataQualityRule {
    const wrong = Number.isInteger(rows) && rows > 0 ? [] : [`rowCountAtLeast needs a whole number above 0, got ${rows}`];
    return new Declared({ rule: 'rowCount', min: rows }, wrong);
  }

  /**
   * The rule as the job reads it.
   * @internal
   */
  public abstract _render(): Record<string, unknown>;

  /**
   * What is wrong with it.
   * @internal
   */
  public abstract _problems(): string[];
}

class Declared extends DataQualityRule {
  constructor(private readonly rule: Record<string, unknown>, private readonly wrong: string[]) {
    super();
  }

  public _render(): Record<string, unknown> {
    return this.rule;
  }

  public _problems(): string[] {
    return this.wrong;
  }
}
