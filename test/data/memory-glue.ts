import { CreateTableCommand, GetTableCommand, GlueClient, TableInput, UpdateTableCommand } from '@aws-sdk/client-glue';
import { AwsClientStub, mockClient } from 'aws-sdk-client-mock';

const named = (name: string): Error => Object.assign(new Error(name), { name });

/** Tables of one database, each with the version that guards an update, behind the SDK's client. */
export class MemoryGlue {
  readonly tables = new Map<string, { input: TableInput; versionId: string }>();
  readonly client: AwsClientStub<GlueClient>;
  /** Called before each write; throw to let it fail. */
  beforeWrite?: () => void;
  /** Called after a table was looked at. */
  afterRead?: () => void;
  writes = 0;

  constructor() {
    this.client = mockClient(GlueClient) as unknown as AwsClientStub<GlueClient>;
    this.client.on(GetTableCommand).callsFake(({ Name }: { Name: string }) => {
      const found = this.tables.get(Name);
      if (found === undefined) throw named('EntityNotFoundException');
      this.afterRead?.();
      return { Table: { ...found.input, VersionId: found.versionId } };
    });
    this.client.on(CreateTableCommand).callsFake(({ TableInput: input }: { TableInput: TableInput }) => {
      if (this.tables.has(input.Name!)) throw named('AlreadyExistsException');
      this.write(input);
    });
    this.client.on(UpdateTableCommand).callsFake(({ TableInput: input, VersionId }: { TableInput: TableInput; VersionId?: string }) => {
      if (this.tables.get(input.Name!)?.versionId !== VersionId) throw named('ConcurrentModificationException');
      this.write(input);
    });
  }

  versions(table: string): string[] {
    return this.tables.get(table)?.input.Parameters?.['projection.dataset_version.values'].split(',') ?? [];
  }

  private write(input: TableInput): void {
    this.beforeWrite?.();
    this.writes += 1;
    this.tables.set(input.Name!, { input, versionId: String(this.writes) });
  }
}
