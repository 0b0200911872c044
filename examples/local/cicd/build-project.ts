import { flag, list, object, objects, onlyKnown, optionalText, text } from '../cloud/members';
import { physicalName } from '../cloud/names';
import { JsonObject, Resource, Unsupported } from '../cloud/types';

/** A CodeBuild project of the template. */
export class BuildProject {
  readonly name: string;
  readonly roleArn: string;
  readonly image: string;
  readonly buildspec: string | undefined;
  readonly timeoutMinutes: number;
  readonly environment: Record<string, string>;

  constructor(resource: Resource) {
    const { properties, type } = resource;
    onlyKnown(properties, [
      'Artifacts', 'AutoRetryLimit', 'BadgeEnabled', 'Cache', 'ConcurrentBuildLimit', 'Description', 'EncryptionKey', 'Environment', 'LogsConfig', 'Name',
      'QueuedTimeoutInMinutes', 'ServiceRole', 'Source', 'Tags', 'TimeoutInMinutes', 'Triggers', 'Visibility', 'VpcConfig',
    ], type);
    const environment = object(properties, 'Environment');
    onlyKnown(environment, ['ComputeType', 'EnvironmentVariables', 'Image', 'ImagePullCredentialsType', 'PrivilegedMode', 'Type', 'Fleet', 'Certificate'], `${type}.Environment`);
    if (flag(object(properties, 'Triggers'), 'Webhook', false)) throw new Unsupported(`${type}.Triggers.Webhook`);
    const source = object(properties, 'Source');
    if (text(source, 'Type') !== 'CODEPIPELINE') throw new Unsupported(`${type}.Source.Type ${text(source, 'Type')}`);
    if (list(properties, 'FileSystemLocations').length > 0) throw new Unsupported(`${type}.FileSystemLocations`);
    this.name = optionalText(properties, 'Name') ?? physicalName(resource);
    this.roleArn = text(properties, 'ServiceRole');
    this.image = text(environment, 'Image');
    this.buildspec = optionalText(source, 'BuildSpec');
    this.timeoutMinutes = Number(optionalText(properties, 'TimeoutInMinutes') ?? 60);
    this.environment = plainVariables(objects(environment, 'EnvironmentVariables'), 'Name', 'Value', 'Type');
  }
}

/** Environment variables, which must be plain text. */
export function plainVariables(from: JsonObject[], name: string, value: string, type: string): Record<string, string> {
  return Object.fromEntries(from.map((variable) => {
    const kind = optionalText(variable, type) ?? 'PLAINTEXT';
    if (kind !== 'PLAINTEXT') throw new Unsupported(`environment variables of type ${kind} in CodeBuild`);
    return [text(variable, name), text(variable, value)];
  }));
}
