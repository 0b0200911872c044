import { randomUUID } from 'node:crypto';

import { describeExecution, describeWorkGroup, Execution, resultPage, WorkGroup } from './describe';
import { QueryEngine } from './engine';
import { csv } from './format';
import { bindParameters } from './parameters';
import { CallerRights } from './rights';
import { flag, object, onlyKnown, optionalNumber, optionalText, parseS3Uri, text, texts } from '../cloud/members';
import { S3Wire } from '../cloud/s3-wire';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';
import { Glue } from '../glue/glue';

const PAGE = 1000;

/** Amazon Athena: SELECT statements over the external tables of the Glue catalog, run by DuckDB. */
export class Athena implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'Athena', by: 'DuckDB over the objects of the Glue tables, with partition projection' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['athena'];
  readonly types = ['AWS::Athena::WorkGroup'];
  private cloud: Cloud | undefined;
  private engine: QueryEngine | undefined;
  private readonly workGroups = new Map<string, WorkGroup>([['primary', { name: 'primary', output: undefined, enforced: false, limitBytes: undefined }]]);
  private readonly executions = new Map<string, Execution>();

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    const { catalog } = cloud.find(Glue);
    this.engine = new QueryEngine(cloud.folders.temp, new S3Wire(cloud.endpoint, cloud.region), (database, table) => catalog.table(database, table));
  }

  async stop(): Promise<void> {
    await this.engine?.close();
  }

  async create(resource: Resource): Promise<Deployed> {
    onlyKnown(resource.properties, ['Name', 'Description', 'RecursiveDeleteOption', 'State', 'Tags', 'WorkGroupConfiguration'], resource.type);
    const name = text(resource.properties, 'Name');
    const configuration = object(resource.properties, 'WorkGroupConfiguration');
    onlyKnown(configuration, [
      'BytesScannedCutoffPerQuery', 'EnforceWorkGroupConfiguration', 'EngineVersion', 'PublishCloudWatchMetricsEnabled', 'RequesterPaysEnabled', 'ResultConfiguration',
    ], `${resource.type}.WorkGroupConfiguration`);
    this.workGroups.set(name, {
      name,
      output: optionalText(object(configuration, 'ResultConfiguration'), 'OutputLocation'),
      enforced: flag(configuration, 'EnforceWorkGroupConfiguration', true),
      limitBytes: optionalNumber(configuration, 'BytesScannedCutoffPerQuery'),
    });
    return { ref: name, attributes: { 'CreationTime': this.at.clock.now().toISOString(), 'WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion': 'DuckDB' } };
  }

  async delete(_: Resource, { ref }: Deployed): Promise<void> {
    this.workGroups.delete(ref);
  }

  /** IAM decides about the workgroup, which a call about an execution does not name. */
  completed({ input }: Call): JsonObject {
    const execution = this.executions.get(optionalText(input, 'QueryExecutionId') ?? '');
    return execution === undefined ? input : { ...input, WorkGroup: execution.workGroup.name };
  }

  async handle(call: Call): Promise<JsonObject> {
    switch (call.operation) {
      case 'StartQueryExecution': return this.startQueryExecution(call.input, new CallerRights(this.at, call.principal));
      case 'GetQueryExecution': return { QueryExecution: describeExecution(this.execution(call.input)) };
      case 'BatchGetQueryExecution':
        return { QueryExecutions: texts(call.input, 'QueryExecutionIds').map((id) => describeExecution(this.execution({ QueryExecutionId: id }))), UnprocessedQueryExecutionIds: [] };
      case 'GetQueryResults': return this.results(call.input);
      case 'StopQueryExecution': return this.stopQueryExecution(call.input);
      case 'GetWorkGroup': return { WorkGroup: describeWorkGroup(this.workGroup(text(call.input, 'WorkGroup'))) };
      default: throw new Unsupported(`athena:${call.operation}`);
    }
  }

  /** Resolves when a query has ended; for those that need not poll. */
  async ended(id: string): Promise<void> {
    await this.execution({ QueryExecutionId: id }).ended;
  }

  private get at(): Cloud {
    if (this.cloud === undefined) throw new Error('Athena has not been started');
    return this.cloud;
  }

  private startQueryExecution(input: JsonObject, rights: CallerRights): JsonObject {
    onlyKnown(input, ['QueryString', 'ClientRequestToken', 'QueryExecutionContext', 'ResultConfiguration', 'WorkGroup', 'ExecutionParameters'], 'athena:StartQueryExecution');
    const token = optionalText(input, 'ClientRequestToken');
    if (token !== undefined && this.executions.has(token)) return { QueryExecutionId: token };
    const workGroup = this.workGroup(optionalText(input, 'WorkGroup') ?? 'primary');
    const asked = optionalText(object(input, 'ResultConfiguration'), 'OutputLocation');
    const location = workGroup.enforced ? workGroup.output : asked ?? workGroup.output;
    if (location === undefined) {
      throw new AwsError('InvalidRequestException', 'No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.');
    }
    const id = token !== undefined && /^[\w-]{1,128}$/.test(token) ? token : randomUUID();
    const context = object(input, 'QueryExecutionContext');
    const catalog = optionalText(context, 'Catalog') ?? 'AwsDataCatalog';
    if (catalog.toLowerCase() !== 'awsdatacatalog') throw new Unsupported(`the catalog ${catalog} in Athena`);
    const execution: Execution = {
      id,
      query: text(input, 'QueryString'),
      workGroup,
      database: optionalText(context, 'Database'),
      output: `${location.replace(/\/$/, '')}/${id}.csv`,
      submitted: this.at.clock.now(),
      state: 'RUNNING',
      milliseconds: 0,
      ended: Promise.resolve(),
    };
    this.executions.set(id, execution);
    execution.ended = this.at.clock.busy(this.run(execution, texts(input, 'ExecutionParameters'), rights), `query ${id}`);
    return { QueryExecutionId: id };
  }

  private async run(execution: Execution, parameters: string[], rights: CallerRights): Promise<void> {
    const began = performance.now();
    try {
      if (this.engine === undefined) throw new Error('Athena has not been started');
      const sql = bindParameters(execution.query, parameters);
      rights.mayWrite(execution.output);
      const { limitBytes } = execution.workGroup;
      const result = await this.engine.run(sql, execution.database, this.at.clock.now(), limitBytes, (table) => rights.mayRead(table));
      const { bucket, key } = parseS3Uri(execution.output);
      await this.at.s3.put(bucket, key, csv(result.columns.map(({ name }) => name), result.rows));
      if (execution.state !== 'RUNNING') return;
      execution.result = result;
      execution.state = 'SUCCEEDED';
    } catch (error) {
      if (execution.state !== 'RUNNING') return;
      execution.state = 'FAILED';
      execution.reason = error instanceof AwsError ? `${error.code}: ${error.message}` : String(error instanceof Error ? error.message : error);
      this.at.log(`Athena query ${execution.id} failed: ${execution.reason}`);
    } finally {
      execution.completed ??= this.at.clock.now();
      execution.milliseconds = Math.round(performance.now() - began);
    }
  }

  private stopQueryExecution(input: JsonObject): JsonObject {
    const execution = this.execution(input);
    if (execution.state === 'RUNNING') {
      execution.state = 'CANCELLED';
      execution.completed = this.at.clock.now();
      this.engine?.interrupt();
    }
    return {};
  }

  private results(input: JsonObject): JsonObject {
    const execution = this.execution(input);
    return resultPage(execution, Number(optionalText(input, 'NextToken') ?? '0'), optionalNumber(input, 'MaxResults') ?? PAGE);
  }

  private workGroup(name: string): WorkGroup {
    const found = this.workGroups.get(name);
    if (found === undefined) throw new AwsError('InvalidRequestException', `WorkGroup ${name} is not found.`);
    return found;
  }

  private execution(input: JsonObject): Execution {
    const id = text(input, 'QueryExecutionId');
    const found = this.executions.get(id);
    if (found === undefined) throw new AwsError('InvalidRequestException', `QueryExecution ${id} was not found`);
    return found;
  }
}
