import { object, text } from '../cloud/members';
import { AwsError, JsonObject } from '../cloud/types';

/** Databases and tables of the Glue Data Catalog; names are lower case, as there. */
export class Catalog {
  private readonly databases = new Map<string, Map<string, JsonObject>>();

  /** `input` is a `DatabaseInput`. */
  addDatabase(name: string): void {
    if (!this.databases.has(name.toLowerCase())) this.databases.set(name.toLowerCase(), new Map());
  }

  /** `input` is a `TableInput`. */
  addTable(database: string, input: JsonObject): string {
    const tables = this.tables(database);
    const name = text(input, 'Name').toLowerCase();
    if (tables.has(name)) throw new AwsError('AlreadyExistsException', `Table already exists: ${name}`);
    tables.set(name, input);
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
    return this.databases.get(database.toLowerCase())?.get(name.toLowerCase());
  }

  /** Answers the read calls of the Glue API; nothing where the operation is another. */
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
        const table = this.tables(database).get(name.toLowerCase());
        if (table === undefined) throw new AwsError('EntityNotFoundException', `Entity Not Found: table ${name}`);
        return { Table: this.described(database, table) };
      }
      case 'GetTables': {
        const database = text(input, 'DatabaseName');
        return { TableList: [...this.tables(database).values()].map((table) => this.described(database, table)) };
      }
      default: return undefined;
    }
  }

  private described(database: string, table: JsonObject): JsonObject {
    return { ...table, Name: text(table, 'Name').toLowerCase(), DatabaseName: database.toLowerCase(), Parameters: object(table, 'Parameters') };
  }

  private tables(database: string): Map<string, JsonObject> {
    const tables = this.databases.get(database.toLowerCase());
    if (tables === undefined) throw new AwsError('EntityNotFoundException', `Database ${database.toLowerCase()} not found.`);
    return tables;
  }
}
