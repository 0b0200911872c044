import { prepared } from './asl-check';
import { AslEngine, Definition } from './asl-engine';
import { Execution, StateMachine } from './executions';
import { Interfered, Interference, Interferences } from './interference';
import { onlyKnown, optionalText, text } from './members';
import { physicalName } from './names';
import { supportsTask } from './tasks';
import { AwsError, Call, Cloud, Deployed, Json, JsonObject, Provisioner, Resource, Service, StandIn, Target, Unsupported } from './types';

const PROPERTIES = [
  'Definition', 'DefinitionString', 'DefinitionSubstitutions', 'LoggingConfiguration', 'RoleArn', 'StateMachineName', 'StateMachineType',
  'TracingConfiguration', 'Tags', 'EncryptionConfiguration',
];

/** Step Functions: synthesized definitions, executed by an ASL engine whose waits, timeouts and retries follow the local clock. */
export class StepFunctions implements StandIn {
  readonly describes = [{ service: 'Step Functions', by: 'aws-local-stepfunctions under the local clock; tasks call the front port' }];
  readonly services: Service[] = [{ scopes: ['states'], handle: (call) => this.handle(call) }];
  readonly targets: Target[] = [{ services: ['states'], deliver: async (arn, input, roleArn) => this.startByEvent(arn, input, roleArn) }];
  readonly provisioners: Provisioner[] = [
    { types: ['AWS::StepFunctions::StateMachine'], create: (resource) => this.create(resource), delete: (_, { ref }) => this.delete(ref) },
  ];
  readonly machines = new Map<string, StateMachine>();
  /** Every execution of the run, in the order of their starts. */
  readonly executions = new Map<string, Execution>();
  private readonly interferences = new Interferences();
  private cloud!: Cloud;
  private engine!: AslEngine;
  private stopping = false;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
    this.engine = new AslEngine(cloud.clock);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const execution of this.executions.values()) execution.stop('LocalCloud.Stopped', 'the local cloud has stopped');
  }

  /** Starts an execution. The same name with the same input, while it runs, is the same execution. */
  startExecution(stateMachineArn: string, name: string = crypto.randomUUID(), input = '{}'): Execution {
    const machine = this.machine(stateMachineArn);
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
    checkInput(input);
    const arn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`;
    const earlier = this.executions.get(arn);
    if (earlier?.status === 'RUNNING' && earlier.input === input) return earlier;
    if (earlier) throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
    const execution = new Execution(
      this.cloud, this.engine, machine, name, input,
      (parameters) => this.startNested(parameters, machine.roleArn), this.interferences, (changed) => this.announce(changed),
    );
    this.executions.set(arn, execution);
    return execution;
  }

  /** Does something to a state of a state machine, until it is ended. */
  interfere(interference: Interference): Interfered & { end(): void } {
    return this.interferences.add(interference);
  }

  private startByEvent(arn: string, input: Json, roleArn?: string): void {
    this.cloud.check?.(roleArn, 'states:StartExecution', arn);
    this.startExecution(arn, undefined, JSON.stringify(input));
  }

  private async startNested(input: JsonObject, roleArn: string): Promise<{ started: JsonObject; ended: Promise<JsonObject>; stop: () => void }> {
    const given = input.Input === undefined ? '{}' : typeof input.Input === 'string' ? input.Input : JSON.stringify(input.Input);
    this.cloud.check?.(roleArn, 'states:StartExecution', text(input, 'StateMachineArn'));
    const execution = this.startExecution(text(input, 'StateMachineArn'), optionalText(input, 'Name'), given);
    return { started: execution.describe(), ended: execution.ended, stop: () => execution.stop() };
  }

  private async announce(execution: Execution): Promise<void> {
    if (this.stopping) return;
    const { startDate, stopDate, ...rest } = execution.describe();
    const detail = {
      ...rest,
      startDate: Number(startDate) * 1000,
      stopDate: stopDate === undefined ? null : Number(stopDate) * 1000,
      output: execution.output ?? null,
      error: rest.error ?? null,
      cause: rest.cause ?? null,
    };
    await this.cloud.emit('aws.states', 'Step Functions Execution Status Change', detail, [execution.arn]);
  }

  private async handle(call: Call): Promise<JsonObject> {
    const { input } = call;
    switch (call.operation) {
      case 'StartExecution': {
        onlyKnown(input, ['stateMachineArn', 'name', 'input', 'traceHeader'], 'StartExecution');
        const execution = this.startExecution(text(input, 'stateMachineArn'), optionalText(input, 'name'), optionalText(input, 'input'));
        return { executionArn: execution.arn, startDate: execution.started.getTime() / 1000 };
      }
      case 'DescribeExecution': return this.execution(text(input, 'executionArn')).describe();
      case 'StopExecution': {
        const execution = this.execution(text(input, 'executionArn'));
        execution.stop(optionalText(input, 'error'), optionalText(input, 'cause'));
        return { stopDate: execution.stopped!.getTime() / 1000 };
      }
      case 'ListExecutions': return this.list(input);
      case 'GetExecutionHistory': {
        const { history } = this.execution(text(input, 'executionArn'));
        return { events: input.reverseOrder === true ? [...history].reverse() : history };
      }
      case 'DescribeStateMachine': {
        const machine = this.machine(text(input, 'stateMachineArn'));
        return {
          stateMachineArn: machine.arn,
          name: machine.name,
          roleArn: machine.roleArn,
          definition: JSON.stringify(machine.definition),
          status: 'ACTIVE',
          type: 'STANDARD',
          creationDate: machine.created.getTime() / 1000,
        };
      }
      case 'ListStateMachines': return {
        stateMachines: [...this.machines.values()].map(({ arn, name, created }) => ({
          stateMachineArn: arn, name, type: 'STANDARD', creationDate: created.getTime() / 1000,
        })),
      };
      default: throw new Unsupported(`states ${call.operation}`);
    }
  }

  private list(input: JsonObject): JsonObject {
    onlyKnown(input, ['stateMachineArn', 'statusFilter', 'maxResults'], 'ListExecutions');
    const { arn } = this.machine(text(input, 'stateMachineArn'));
    const status = optionalText(input, 'statusFilter');
    const found = [...this.executions.values()].reverse()
      .filter((execution) => execution.machine.arn === arn && (status === undefined || execution.status === status))
      .slice(0, Number(input.maxResults ?? 100));
    const summary = ({ executionArn, stateMachineArn, name, status: is, startDate, stopDate }: JsonObject): JsonObject =>
      ({ executionArn, stateMachineArn, name, status: is, startDate, ...stopDate === undefined ? {} : { stopDate } });
    return { executions: found.map((execution) => summary(execution.describe())) };
  }

  private machine(arn: string): StateMachine {
    const machine = this.machines.get(arn);
    if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  private execution(arn: string): Execution {
    const execution = this.executions.get(arn);
    if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
    return execution;
  }

  /** Executions of a state machine that is deleted are ended. */
  private async delete(arn: string): Promise<void> {
    for (const execution of this.executions.values()) if (execution.machine.arn === arn) execution.stop();
    this.machines.delete(arn);
  }

  private async create(resource: Resource): Promise<Deployed> {
    const { properties } = resource;
    onlyKnown(properties, PROPERTIES, resource.type);
    if ((properties.StateMachineType ?? 'STANDARD') !== 'STANDARD') throw new Unsupported(`state machines of the type ${String(properties.StateMachineType)}`);
    const name = String(properties.StateMachineName ?? physicalName(resource, 80));
    const arn = `arn:${this.cloud.partition}:states:${this.cloud.region}:${this.cloud.account}:stateMachine:${name}`;
    const raw = JSON.parse(substituted(definitionText(properties), properties.DefinitionSubstitutions as JsonObject | undefined)) as Definition;
    this.engine.validate(raw);
    const { definition, tasks, timeouts } = prepared(raw, name, supportsTask);
    this.machines.set(arn, { arn, name, roleArn: text(properties, 'RoleArn'), definition, tasks, timeouts, created: this.cloud.clock.now() });
    return { ref: arn, attributes: { Arn: arn, Name: name } };
  }
}

function definitionText(properties: JsonObject): string {
  return properties.Definition === undefined ? text(properties, 'DefinitionString') : JSON.stringify(properties.Definition);
}

function substituted(definition: string, substitutions: JsonObject = {}): string {
  return Object.entries(substitutions).reduce((result, [name, value]) => result.replaceAll(`\${${name}}`, String(value)), definition);
}

function checkInput(input: string): void {
  try {
    JSON.parse(input) as Json;
  } catch {
    throw new AwsError('InvalidExecutionInput', 'Invalid State Machine Execution Input');
  }
}
