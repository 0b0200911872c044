import { Duration, Token } from 'aws-cdk-lib';

/** By how much the number of rows may differ from the last version's. */
export interface RowCountChangeOptions {
  /**
   * How much fewer rows there may be, in percent: 0 to 100.
   *
   * @default - there may be any number fewer
   */
  readonly maxDecreasePercent?: number;

  /**
   * How much more rows there may be, in percent, 0 or more.
   *
   * @default - there may be any number more
   */
  readonly maxIncreasePercent?: number;
}

/** What Parquet, Spark and Athena all have. */
const TYPE = /^(boolean|tinyint|smallint|int|bigint|float|double|string|binary|date|timestamp|decimal\(\d{1,2},\d{1,2}\)|(array|map|struct)<.+>)$/;

/**
 * What the rows of a dataset must satisfy before anything is published. Each rule, whether it held and what was observed
 * is kept in the version's manifest, or in the report of the run that was stopped.
 *
 * @example
 * const quality = [DataQualityRule.notNull('temp', 0.01), DataQualityRule.range('humid', 0, 100)];
 */
export abstract class DataQualityRule {
  /**
   * Columns are there, with these types. Others may be there as well.
   *
   * @param columns types by column name: `boolean`, `tinyint`, `smallint`, `int`, `bigint`, `float`, `double`, `string`,
   * `binary`, `date`, `timestamp`, `decimal(10,2)`, `array<…>`, `map<…>` or `struct<…>`
   */
  public static schema(columns: { [column: string]: string }): DataQualityRule {
    const entries = Object.entries(columns);
    const wrong = entries.filter(([, type]) => !Token.isUnresolved(type) && !TYPE.test(type))
      .map(([column, type]) => `the type of column ${column} must be one that Spark and Athena share, such as double, bigint, string or timestamp, got '${type}'`);
    return new Declared({ rule: 'schema', columns }, entries.length > 0 ? wrong : ['schema needs at least one column, got none']);
  }

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

  /**
   * The newest rows are not too old. A run looks at this also where no file has arrived, so that a source that dried up is
   * noticed by a pipeline with a schedule.
   *
   * @param maxAge the most that the newest time may lie before the start of the run, at least one minute
   * @param column a column of times or dates; the pipeline's time column unless given
   */
  public static freshness(maxAge: Duration, column?: string): DataQualityRule {
    const seconds = maxAge.toSeconds({ integral: false });
    const wrong = seconds >= 60 ? [] : [`the age of freshness must be at least one minute, got ${maxAge.toHumanString()}`];
    return new Declared({ rule: 'fresh', seconds, ...(column === undefined ? {} : { column }) }, wrong);
  }

  /** The dataset has at most so many rows. */
  public static rowCountAtMost(rows: number): DataQualityRule {
    const wrong = Number.isInteger(rows) && rows > 0 ? [] : [`rowCountAtMost needs a whole number above 0, got ${rows}`];
    return new Declared({ rule: 'rowCount', max: rows }, wrong);
  }

  /**
   * The number of rows is near that of the last version. The first version always passes.
   *
   * @param options how far it may lie away; at least one of both
   */
  public static rowCountChange(options: RowCountChangeOptions): DataQualityRule {
    const { maxDecreasePercent: less, maxIncreasePercent: more } = options;
    const wrong = [
      ...(less === undefined && more === undefined ? ['rowCountChange needs maxDecreasePercent, maxIncreasePercent or both, got neither'] : []),
      ...(less !== undefined && !(less >= 0 && less <= 100) ? [`maxDecreasePercent of rowCountChange must be 0 to 100, got ${less}`] : []),
      ...(more !== undefined && !(more >= 0 && Number.isFinite(more)) ? [`maxIncreasePercent of rowCountChange must be 0 or more, got ${more}`] : []),
    ];
    return new Declared({
      rule: 'rowCountChange',
      ...(less === undefined ? {} : { maxDecrease: less / 100 }),
      ...(more === undefined ? {} : { maxIncrease: more / 100 }),
    }, wrong);
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
