import { object, objects, onlyKnown, optionalNumber, optionalText, text, textMap, texts } from '../cloud/members';
import { physicalName } from '../cloud/names';
import { JsonObject, Resource, Unsupported } from '../cloud/types';

/** Arguments that Glue itself reads; a script does not depend on them. */
const OWN_ARGUMENTS = [
  '--extra-py-files', '--job-language', '--job-bookmark-option', '--enable-metrics', '--enable-observability-metrics', '--enable-job-insights',
  '--enable-continuous-cloudwatch-log', '--continuous-log-logGroup', '--continuous-log-logStreamPrefix', '--enable-continuous-log-filter',
  '--custom-logGroup-prefix', '--custom-logStream-prefix',
  '--enable-spark-ui', '--spark-event-logs-path', '--enable-auto-scaling', '--enable-glue-datacatalog', '--enable-s3-parquet-optimized-committer',
  '--encryption-type', '--library-set',
];
const REFUSED_ARGUMENTS = ['--additional-python-modules', '--extra-jars', '--extra-files', '--user-jars-first', '--datalake-formats', '--conf', '--class'];

/** A job of the template. */
export class Job {
  readonly name: string;
  readonly roleArn: string;
  readonly scriptLocation: string;
  readonly arguments: Record<string, string>;
  readonly maxConcurrentRuns: number;
  readonly maxRetries: number;
  readonly timeoutMinutes: number;
  readonly connections: readonly string[];

  constructor(resource: Resource) {
    const { type, properties } = resource;
    onlyKnown(properties, [
      'AllocatedCapacity', 'Command', 'Connections', 'DefaultArguments', 'Description', 'ExecutionClass', 'ExecutionProperty', 'GlueVersion', 'JobRunQueuingEnabled',
      'LogUri', 'MaintenanceWindow', 'MaxCapacity', 'MaxRetries', 'Name', 'NonOverridableArguments', 'NotificationProperty', 'NumberOfWorkers', 'Role',
      'SecurityConfiguration', 'Tags', 'Timeout', 'WorkerType', 'JobMode',
    ], type);
    const command = object(properties, 'Command');
    const kind = text(command, 'Name');
    if (kind !== 'glueetl' && kind !== 'pythonshell') throw new Unsupported(`${type}.Command.Name ${kind}`);
    this.name = optionalText(properties, 'Name') ?? physicalName(resource, 255);
    this.roleArn = text(properties, 'Role');
    this.scriptLocation = text(command, 'ScriptLocation');
    this.arguments = { ...textMap(properties, 'DefaultArguments'), ...textMap(properties, 'NonOverridableArguments') };
    this.maxConcurrentRuns = optionalNumber(object(properties, 'ExecutionProperty'), 'MaxConcurrentRuns') ?? 1;
    this.maxRetries = optionalNumber(properties, 'MaxRetries') ?? 0;
    this.timeoutMinutes = optionalNumber(properties, 'Timeout') ?? 480;
    this.connections = texts(object(properties, 'Connections'), 'Connections');
    this.check(this.arguments);
    if (objects(properties, 'Triggers').length > 0) throw new Unsupported(`${type}.Triggers`);
  }

  /** All arguments of a run, by name; those of the run win over the job's. */
  merged(input: JsonObject): Record<string, string> {
    const merged = { ...this.arguments, ...textMap(input, 'Arguments') };
    this.check(merged);
    return merged;
  }

  private check(given: Record<string, string>): void {
    const bookmark = given['--job-bookmark-option'] ?? 'job-bookmark-disable';
    if (bookmark !== 'job-bookmark-disable') throw new Unsupported(`job bookmarks (${bookmark} in the Glue job ${this.name})`);
    const refused = REFUSED_ARGUMENTS.filter((name) => name in given);
    if (refused.length > 0) throw new Unsupported(`${refused.join(', ')} of the Glue job ${this.name}`);
  }
}

/** `--name value` for each argument that is the script's own. */
export const scriptArguments = (merged: Record<string, string>): string[] =>
  Object.entries(merged).filter(([name]) => !OWN_ARGUMENTS.includes(name)).flat();
