import { duckType, JsonColumn, literal, parseHiveType, quoted } from './hive-types';
import { Domains } from './predicates';
import { Projection } from './projection';
import { flag, object, objects, parseS3Uri, text, textMap } from '../cloud/members';
import { Listing } from '../cloud/s3-wire';
import { AwsError, JsonObject, Unsupported } from '../cloud/types';

const SERDES: Record<string, 'json' | 'parquet'> = {
  'org.openx.data.jsonserde.JsonSerDe': 'json',
  'org.apache.hive.hcatalog.data.JsonSerDe': 'json',
  'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe': 'parquet',
};
const PROJECTION = 'projection.';

/** An external table of the Glue catalog as the query engine sees it. */
export class ExternalTable {
  readonly name: string;
  readonly format: 'json' | 'parquet';
  readonly bucket: string;
  readonly columns: readonly JsonColumn[];
  readonly partitions: readonly { name: string; type: string }[];
  /** Malformed JSON lines are rows of NULLs instead of an error. */
  readonly ignoreMalformed: boolean;
  /** Where its objects lie, with a slash at the end. */
  readonly folder: string;
  private readonly projection: Projection | undefined;

  /** `input` is a `TableInput` of the Glue API. */
  constructor(readonly database: string, input: JsonObject) {
    this.name = text(input, 'Name').toLowerCase();
    const storage = object(input, 'StorageDescriptor');
    const serde = object(storage, 'SerdeInfo');
    const library = text(serde, 'SerializationLibrary');
    if (!(library in SERDES)) throw new Unsupported(`${library} of the table ${this.name}`);
    this.format = SERDES[library];
    const settings = textMap(serde, 'Parameters');
    this.ignoreMalformed = settings['ignore.malformed.json'] === 'true';
    if (settings['case.insensitive'] === 'false') throw new Unsupported(`case.insensitive=false of the table ${this.name}`);
    this.columns = objects(storage, 'Columns').map((column) => {
      const name = text(column, 'Name').toLowerCase();
      return { name, member: (settings[`mapping.${name}`] ?? name).toLowerCase(), type: parseHiveType(text(column, 'Type')) };
    });
    this.partitions = objects(input, 'PartitionKeys').map((key) => ({ name: text(key, 'Name').toLowerCase(), type: duckType(parseHiveType(text(key, 'Type'))) }));
    const location = parseS3Uri(text(storage, 'Location'));
    this.bucket = location.bucket;
    this.folder = location.key === '' || location.key.endsWith('/') ? location.key : `${location.key}/`;
    this.projection = this.readProjection(object(input, 'Parameters'));
  }

  /** Columns and partition columns with their types, for `CREATE TABLE`. */
  get definition(): string {
    return [...this.columns.map(({ name, type }) => `${quoted(name)} ${duckType(type)}`), ...this.partitions.map(({ name, type }) => `${quoted(name)} ${type}`)].join(', ');
  }

  get columnNames(): string[] {
    return [...this.columns, ...this.partitions].map(({ name }) => quoted(name));
  }

  /** `read_json`'s `columns`: the columns and, as text, where a row comes from. */
  get jsonColumns(): string {
    const members = [...this.columns.map(({ name, type }) => [name, duckType(type)]), ...this.partitions.map(({ name, type }) => [name, type]), ['$path', 'VARCHAR']];
    return `{${members.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ')}}`;
  }

  listings(domains: Domains): Listing[] {
    return this.projection === undefined ? [{ prefix: this.folder }] : this.projection.listings(domains);
  }

  /** The partition of an object; nothing where the object is not of this table. */
  partition(key: string, now: Date): string[] | undefined {
    const file = key.slice(key.lastIndexOf('/') + 1);
    if (file === '' || file.startsWith('_') || file.startsWith('.')) return undefined;
    return this.projection === undefined ? [] : this.projection.partition(key, now);
  }

  leaves(partition: readonly string[], domains: Domains): boolean {
    return this.projection === undefined || this.projection.leaves(partition, domains);
  }

  private readProjection(parameters: JsonObject): Projection | undefined {
    if (this.partitions.length === 0) return undefined;
    if (!flag(parameters, 'projection.enabled', false)) throw new Unsupported(`the partitioned table ${this.name} without partition projection`);
    const names = this.partitions.map(({ name }) => name);
    const template = parameters['storage.location.template'] === undefined
      ? `${this.folder}${names.map((name) => `${name}=\${${name}}/`).join('')}`
      : this.templateKey(text(parameters, 'storage.location.template'));
    const projected = Object.entries(parameters).filter(([name]) => name.startsWith(PROJECTION)).map(([name]) => [name, text(parameters, name)]);
    return new Projection(names, Object.fromEntries(projected), template);
  }

  private templateKey(template: string): string {
    const { bucket, key } = parseS3Uri(template);
    if (bucket !== this.bucket) throw new AwsError('InvalidRequestException', `storage.location.template of ${this.name} is not in ${this.bucket}`);
    return key;
  }
}
