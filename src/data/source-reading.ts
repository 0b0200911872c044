import { DatasetReading } from '../domain/dataset-sources';

/**
 * What of its source a pipeline reads for a version of its dataset.
 *
 * Which files a version was made of, with their ETags and version ids, is in its manifest. A run that fails, or is stopped at
 * the gate, leaves no trace there: its files are read by the next run.
 *
 * @example
 * const reading = SourceReading.newFiles(['origin', 'time_hour']);
 */
export abstract class SourceReading {
  /**
   * Each version is made of all that the source holds when its run begins. The script gets the source's URI. Nothing can be
   * missed, and what is corrected or removed in the source is corrected or removed in the next version. It reads the more
   * the more there is.
   */
  public static everything(): SourceReading {
    return new Chosen('everything');
  }

  /**
   * Each file is read once, and the rows that it gives are added to those of the last version. The script gets the list of
   * the new files' URIs (`spark.read.csv(source, …)` takes such a list), and must make rows of each file without the others.
   *
   * A file is new by its content: one that arrives late under an older name is read, and one that is overwritten with
   * other content is read again. A row takes the place of an earlier one with the same key. What a file gave stays when the
   * file is removed. An execution that is started with the input `{"rebuild": true}` reads everything that is there, and
   * begins the dataset anew; so does the first run.
   *
   * @param key columns that tell rows apart; no two rows of one run may share their values
   */
  public static newFiles(key: string[]): SourceReading {
    return new Chosen('newFiles', key);
  }

  /**
   * The name by which the handlers know it.
   * @internal
   */
  public abstract readonly _mode: DatasetReading;

  /**
   * Columns that tell rows apart.
   * @internal
   */
  public abstract readonly _key?: string[];

  /**
   * What is wrong with it.
   * @internal
   */
  public abstract _problems(): string[];
}

class Chosen extends SourceReading {
  constructor(public readonly _mode: DatasetReading, public readonly _key?: string[]) {
    super();
  }

  public _problems(): string[] {
    return this._key?.length === 0 ? ['newFiles needs at least one column as key, got none; rows could not be told apart'] : [];
  }
}
