import { object, onlyKnown, optionalText, text } from '../cloud/members';
import { AwsError, JsonObject } from '../cloud/types';

interface Entry {
  readonly input: JsonObject;
  /** Counts up with each change, and guards it. */
  readonly version: number;
}

/** Databases and tables of the Glue Data Catalog; names are lower case, as there. */
export class Catalog {
  private readonly databases = new Map<string, Map<string, Entry>>();

  /** `input` is a `DatabaseInput`. */
  addDatabase(name: string): void {
    if (!this.databases.has(name.toLowerCase())) this.databases.set(name.toLowerCase(), new Map());
  }

  /** `input` is a `TableInput`. */
  addTable(database: string, input: JsonObject): string {
    const tables = this.tables(database);
    const name = text(input, 'Name').toLowerCase();
    if (tables.has(name)) throw new AwsError('AlreadyExistsException', `Table already exists: ${name}`);
    tables.set(name, { input, version: 0 });
    return name;
  }

  /** A database takes its tables with it. */
  deleteDatabase(name: string): void {
    this.databases.delete(name.toLowerCase());
  }

  deleteTable(database: string, name: string): void {
    this.databases.get(database.toLowerCase())?.delete(name.toLowerCase());
  }

  table(database: string, name: string): JsonObject | undefined {
    return this.databases.get(database.toLowerCase())?.get(name.toLowerCase())?.input;
  }

  /** Answers the catalog's calls of the Glue API; nothing where the operation is another. */
  handle(operation: string, input: JsonObject): JsonObject | undefined {
    switch (operation) {
      case 'GetDatabase': {
        const name = text(input, 'Name').toLowerCase();
        this.tables(name);
        return { Database: { Name: name } };
      }
      case 'GetDatabases': return { DatabaseList: [...this.databases.keys()].map((name) => ({ Name: name })) };
      case 'GetTable': {
        const [database, name] = [text(input, 'DatabaseName'), text(input, 'Name')];
        return { Table: this.described(database, this.entry(database, name)) };
      }
      case 'GetTables': {
        const database = text(input, 'DatabaseName');
        return { TableList: [...this.tables(database).values()].map((table) => this.described(database, table)) };
      }
      case 'CreateTable': {
        onlyKnown(input, ['CatalogId', 'DatabaseName', 'TableInput'], 'glue:CreateTable');
        this.addTable(text(input, 'DatabaseName'), object(input, 'TableInput'));
        return {};
      }
      case 'UpdateTable': {
        onlyKnown(input, ['CatalogId', 'DatabaseName', 'TableInput', 'VersionId', 'SkipArchive'], 'glue:UpdateTable');
        this.updateTable(text(input, 'DatabaseName'), object(input, 'TableInput'), optionalText(input, 'VersionId'));
        return {};
      }
      case 'DeleteTable': {
        const [database, name] = [text(input, 'DatabaseName'), text(input, 'Name')];
        this.entry(database, name);
        this.deleteTable(database, name);
        return {};
      }
      default: return undefined;
    }
  }

  private updateTable(database: string, input: JsonObject, versionId: string | undefined): void {
    const name = text(input, 'Name').toLowerCase();
    const { version } = this.entry(database, name);
    if (versionId !== undefined && versionId !== String(version)) throw new AwsError('ConcurrentModificationException', `Update table failed due to concurrent modifications of ${name}.`);
    this.tables(database).set(name, { input, version: version + 1 });
  }

  private entry(database: string, name: string): Entry {
    const found = this.tables(database).get(name.toLowerCase());
    if (found === undefined) throw new AwsError('EntityNotFoundException', `Entity Not Found: table ${name}`);
    return found;
  }

  private described(database: string, { input: table, version }: Entry): JsonObject {
    return { ...table, VersionId: String(version), Name: text(table, 'Name').toLowerCase(), DatabaseName: database.toLowerCase(), Parameters: object(table, 'Parameters') };
  }

  private tables(database: string): Map<string, Entry> {
    const tables = this.databases.get(database.toLowerCase());
    if (tables === undefined) throw new AwsError('EntityNotFoundException', `Database ${database.toLowerCase()} not found.`);
    return tables;
  }
}
