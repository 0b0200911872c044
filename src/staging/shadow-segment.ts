import { SegmentSource } from '../domain/segments';

/** Which values of a segment are told apart. */
export interface ShadowSegmentOptions {
  /**
   * The values that are told apart, 1 to 20, as they are written in the request (`1` and `1.0` differ); the rest, and requests without a
   * value, count as `(other)`. Fewer values leave more of the error level to each.
   *
   * @default - the first 20 values that are seen
   */
  readonly values?: string[];
}

/**
 * A part of the requests, told apart by a value in their payload. The payload is what the caller sent, the same for both models, whatever
 * features each of them takes from it. Requests must be captured as text, as `text/csv` and `application/json` are by default.
 *
 * @example
 * const segments = [ShadowSegment.csvColumn('airport', 14), ShadowSegment.jsonField('region', 'region', { values: ['north', 'south'] })];
 */
export class ShadowSegment {
  /**
   * By a column of the CSV row that is sent. Values may be in quotes; spaces around them do not count.
   *
   * @param name what reasons call the segment: 1 to 64 letters, digits, spaces, `_`, `.` or `-`
   * @param index of the column, counted from 0, at most 999
   */
  public static csvColumn(name: string, index: number, options: ShadowSegmentOptions = {}): ShadowSegment {
    return new ShadowSegment({ name, column: index, ...options });
  }

  /**
   * By a field of the JSON that is sent, at whatever depth: the first of that name whose value is a text, a number, true or false.
   *
   * @param name what reasons call the segment: 1 to 64 letters, digits, spaces, `_`, `.` or `-`
   * @param field name of the field, without quotes, backslashes and control characters
   */
  public static jsonField(name: string, field: string, options: ShadowSegmentOptions = {}): ShadowSegment {
    return new ShadowSegment({ name, field, ...options });
  }

  /** @internal */
  public readonly _source: SegmentSource;

  private constructor(source: SegmentSource) {
    this._source = source;
  }
}
