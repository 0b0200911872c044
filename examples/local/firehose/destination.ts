import { flag, object, objects, onlyKnown, optionalNumber, optionalText, text } from '../cloud/members';
import { JsonObject, Unsupported } from '../cloud/types';

const FIELDS: Record<string, [number, number]> = { yyyy: [0, 4], MM: [5, 7], dd: [8, 10], HH: [11, 13], mm: [14, 16], ss: [17, 19] };

/** The S3 destination of a delivery stream. */
export class Destination {
  readonly bucket: string;
  readonly roleArn: string;
  readonly gzip: boolean;
  readonly intervalMs: number;
  readonly sizeBytes: number;
  /** Ends each record with a line break. */
  readonly delimited: boolean;
  private readonly prefix: string;
  private readonly extension: string;

  constructor(configuration: JsonObject, where: string) {
    onlyKnown(configuration, [
      'BucketARN', 'BufferingHints', 'CloudWatchLoggingOptions', 'CompressionFormat', 'CustomTimeZone', 'EncryptionConfiguration', 'ErrorOutputPrefix', 'FileExtension',
      'Prefix', 'ProcessingConfiguration', 'RoleARN', 'S3BackupMode',
    ], where);
    const compression = optionalText(configuration, 'CompressionFormat') ?? 'UNCOMPRESSED';
    if (compression !== 'UNCOMPRESSED' && compression !== 'GZIP') throw new Unsupported(`${where}.CompressionFormat ${compression}`);
    if ((optionalText(configuration, 'S3BackupMode') ?? 'Disabled') !== 'Disabled') throw new Unsupported(`${where}.S3BackupMode`);
    if ((optionalText(configuration, 'CustomTimeZone') ?? 'UTC') !== 'UTC') throw new Unsupported(`${where}.CustomTimeZone`);
    const hints = object(configuration, 'BufferingHints');
    this.bucket = text(configuration, 'BucketARN').split(':::')[1];
    this.roleArn = text(configuration, 'RoleARN');
    this.gzip = compression === 'GZIP';
    this.intervalMs = (optionalNumber(hints, 'IntervalInSeconds') ?? 300) * 1000;
    this.sizeBytes = (optionalNumber(hints, 'SizeInMBs') ?? 5) * 1024 * 1024;
    this.prefix = optionalText(configuration, 'Prefix') ?? 'YYYY/MM/DD/HH/';
    this.extension = optionalText(configuration, 'FileExtension') ?? (this.gzip ? '.gz' : '');
    this.delimited = delimited(object(configuration, 'ProcessingConfiguration'), where);
    this.key('', new Date(0), '');
  }

  /** Key of an object whose first record came at `at`. */
  key(stream: string, at: Date, id: string): string {
    const iso = at.toISOString();
    const time = (format: string): string => format.replace(/'([^']*)'|[A-Za-z]+/g, (field: string, quoted: string | undefined) => {
      if (quoted !== undefined) return quoted;
      if (!(field in FIELDS)) throw new Unsupported(`!{timestamp:${format}} in a prefix of Firehose`);
      return iso.slice(...FIELDS[field]);
    });
    const expression = /!\{([^:}]+):([^}]*)\}/g;
    const evaluated = this.prefix.replace(expression, (written, namespace: string, value: string) => {
      if (namespace !== 'timestamp') throw new Unsupported(`${written} in a prefix of Firehose`);
      return time(value);
    });
    // a prefix without an expression is followed by the hour
    const prefix = this.prefix === 'YYYY/MM/DD/HH/' ? time('yyyy/MM/dd/HH/') : expression.test(this.prefix) ? evaluated : `${evaluated}${time('yyyy/MM/dd/HH/')}`;
    return `${prefix}${stream}-1-${time('yyyy-MM-dd-HH-mm-ss')}-${id}${this.extension}`;
  }
}

/** The one processor that needs no function: a delimiter after each record. */
function delimited(processing: JsonObject, where: string): boolean {
  if (!flag(processing, 'Enabled', false)) return false;
  const kinds = objects(processing, 'Processors').map((processor) => text(processor, 'Type'));
  const other = kinds.find((kind) => kind !== 'AppendDelimiterToRecord');
  if (other !== undefined) throw new Unsupported(`${where}.ProcessingConfiguration processor ${other}`);
  return kinds.length > 0;
}
