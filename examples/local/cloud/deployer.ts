import { Assembly, Stack, Template, TemplateResource } from './assembly';
import { evaluateCondition, resolve, Scope } from './intrinsics';
import { uuidOf } from './names';
import { sorted } from './template-order';
import { Cloud, Deployed, Json, JsonObject, Provisioner, Resource, Unsupported } from './types';

/** Where values come from that are not in the assembly. */
export interface Lookups {
  dynamic(service: string, rest: string): Promise<string>;
}

type Outputs = Record<string, string>;

/** Deploys the stacks of an assembly, resource by resource, nested stacks included. */
export class Deployer {
  readonly resources = new Map<string, { resource: Resource; deployed: Deployed }>();
  /** Outputs of each stack, by stack name. */
  readonly outputs = new Map<string, Outputs>();
  private readonly exports = new Map<string, string>();
  private readonly provisioners = new Map<string, Provisioner>();
  /** What each stack is made of, nested ones by their resource's path. */
  private readonly deployments = new Map<string, StackDeployment>();

  constructor(private readonly assembly: Assembly, private readonly cloud: Cloud, provisioners: Provisioner[], private readonly lookups: Lookups) {
    for (const provisioner of provisioners) {
      for (const type of provisioner.types) {
        if (this.provisioners.has(type)) throw new Error(`two provisioners for ${type}`);
        this.provisioners.set(type, provisioner);
      }
    }
  }

  async deploy(): Promise<void> {
    for (const stack of this.assembly.stacks) await this.deployStack(stack);
  }

  private async deployStack(stack: Stack): Promise<void> {
    this.checkTypes(stack.template, stack.name);
    const deployment = new StackDeployment(this, stack.name, stack.name, stack.template, {});
    this.deployments.set(stack.name, deployment);
    this.outputs.set(stack.name, await deployment.run());
  }

  /**
   * Deletes a stack: each resource before what it refers to, but for those that are to be retained. Where one cannot be
   * deleted, it and what is left stay, and deleting the stack again goes on there.
   */
  async deleteStack(name: string): Promise<void> {
    const deployment = this.deployments.get(name);
    if (deployment === undefined) throw new Error(`there is no stack ${name}`);
    deployment.checkDeletion();
    await deployment.delete();
    this.deployments.delete(name);
    this.outputs.delete(name);
  }

  /** Every type of a whole stack is checked before its first resource is made. */
  private checkTypes(template: Template, path: string): void {
    for (const [id, resource] of Object.entries(template.Resources ?? {})) {
      if (resource.Type === NESTED) continue;
      if (!this.provisionerOf(resource.Type)) throw new Unsupported(`the resource type ${resource.Type} (${path}/${id}${constructPath(resource)})`);
    }
  }

  provisionerOf(type: string): Provisioner | undefined {
    return this.provisioners.get(type) ?? (type.startsWith('Custom::') ? this.provisioners.get('AWS::CloudFormation::CustomResource') : undefined);
  }

  /** Every type of a whole stack is checked before its first resource is deleted. */
  checkDeletion(resource: Resource): void {
    if (resource.type === NESTED) this.deployments.get(resource.path)?.checkDeletion();
    else if (this.provisionerOf(resource.type)?.delete === undefined) throw new Unsupported(`deleting the resource type ${resource.type} (${resource.path})`);
  }

  async delete(resource: Resource, deployed: Deployed): Promise<void> {
    if (resource.type === NESTED) await this.deployments.get(resource.path)?.delete();
    else await this.provisionerOf(resource.type)!.delete!(resource, deployed, this.cloud);
  }

  async create(resource: Resource): Promise<Deployed> {
    const deployed = await this.provisionerOf(resource.type)!.create(resource, this.cloud);
    this.resources.set(resource.path, { resource, deployed });
    return deployed;
  }

  async createNested(resource: Resource): Promise<Deployed> {
    const template = this.assembly.nestedTemplate(String(resource.properties.TemplateURL));
    this.checkTypes(template, resource.path);
    const name = `${resource.stackName}-${resource.logicalId}-${uuidOf(resource.path).slice(0, 8).toUpperCase()}`;
    const parameters = resource.properties.Parameters as JsonObject | undefined;
    const deployment = new StackDeployment(this, name, resource.path, template, parameters ?? {});
    this.deployments.set(resource.path, deployment);
    const outputs = await deployment.run();
    const deployed = {
      ref: `arn:${this.cloud.partition}:cloudformation:${this.cloud.region}:${this.cloud.account}:stack/${name}/${uuidOf(name)}`,
      attributes: Object.fromEntries(Object.entries(outputs).map(([key, value]) => [`Outputs.${key}`, value])),
    };
    this.resources.set(resource.path, { resource, deployed });
    return deployed;
  }

  pseudo(stackName: string): Record<string, Json> {
    const { region, account, partition } = this.cloud;
    return {
      'AWS::Region': region,
      'AWS::AccountId': account,
      'AWS::Partition': partition,
      'AWS::StackName': stackName,
      'AWS::StackId': `arn:${partition}:cloudformation:${region}:${account}:stack/${stackName}/${uuidOf(stackName)}`,
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::NotificationARNs': [],
    };
  }

  dynamic(service: string, rest: string): Promise<string> {
    return this.lookups.dynamic(service, rest);
  }

  imported(name: string): string {
    const value = this.exports.get(name);
    if (value === undefined) throw new Error(`no stack exports ${name}`);
    return value;
  }

  exported(name: string, value: string): void {
    this.exports.set(name, value);
  }

  get region(): string {
    return this.cloud.region;
  }
}

const NESTED = 'AWS::CloudFormation::Stack';

/** One template on its way to being resources. */
class StackDeployment {
  private readonly made = new Map<string, Deployed>();
  /** In the order in which they were made. */
  private readonly left: { resource: Resource; deployed: Deployed; retained: boolean }[] = [];
  private readonly conditions = new Map<string, boolean>();
  private readonly scope: Scope;

  constructor(
    private readonly deployer: Deployer, private readonly name: string, private readonly path: string,
    private readonly template: Template, private readonly parameters: JsonObject,
  ) {
    const pseudo = deployer.pseudo(name);
    this.scope = {
      region: deployer.region,
      ref: (id) => this.made.get(id)?.ref ?? pseudo[id] ?? this.parameter(id),
      attribute: (id, attribute) => this.attribute(id, attribute),
      condition: (id) => {
        const value = this.conditions.get(id);
        if (value === undefined) throw new Error(`${path}: no condition ${id}`);
        return value;
      },
      mapping: (map, first, second) => {
        const value = (((this.template.Mappings ?? {})[map] as JsonObject | undefined)?.[first] as JsonObject | undefined)?.[second];
        if (value === undefined) throw new Error(`${path}: no mapping ${map}.${first}.${second}`);
        return value;
      },
      importValue: (id) => deployer.imported(id),
      dynamic: (service, rest) => deployer.dynamic(service, rest),
    };
  }

  async run(): Promise<Outputs> {
    for (const id of Object.keys(this.template.Conditions ?? {})) await this.evaluate(id);
    const resources = Object.entries(this.template.Resources ?? {}).filter(([, { Condition }]) => !Condition || this.conditions.get(Condition));
    for (const [id, resource] of sorted(new Map(resources), this.path)) this.made.set(id, await this.create(id, resource));
    const outputs: Outputs = {};
    for (const [id, output] of Object.entries(this.template.Outputs ?? {})) {
      if (output.Condition && !this.conditions.get(output.Condition)) continue;
      outputs[id] = asText(await resolve(output.Value, this.scope, `${this.path}.Outputs.${id}`));
      if (output.Export) this.deployer.exported(asText(await resolve(output.Export.Name, this.scope, `${this.path}.Outputs.${id}.Export`)), outputs[id]);
    }
    return outputs;
  }

  private async create(logicalId: string, definition: TemplateResource): Promise<Deployed> {
    const path = `${this.path}/${logicalId}`;
    const resource: Resource = {
      type: definition.Type,
      logicalId,
      path,
      stackName: this.name,
      properties: await resolve(definition.Properties ?? {}, this.scope, path) as JsonObject,
      metadata: definition.Metadata ?? {},
    };
    try {
      const deployed = await (definition.Type === NESTED ? this.deployer.createNested(resource) : this.deployer.create(resource));
      this.left.push({ resource, deployed, retained: this.isRetained(definition, path) });
      return deployed;
    } catch (error) {
      throw located(error, resource);
    }
  }

  checkDeletion(): void {
    for (const { resource, retained } of this.left) if (!retained) this.deployer.checkDeletion(resource);
  }

  async delete(): Promise<void> {
    for (let last = this.left.at(-1); last !== undefined; last = this.left.at(-1)) {
      const { resource, deployed, retained } = last;
      try {
        if (!retained) await this.deployer.delete(resource, deployed);
      } catch (error) {
        throw located(error, resource);
      }
      this.deployer.resources.delete(resource.path);
      this.left.pop();
    }
  }

  private isRetained({ DeletionPolicy = 'Delete' }: TemplateResource, path: string): boolean {
    if (!['Delete', 'Retain', 'RetainExceptOnCreate'].includes(DeletionPolicy)) throw new Unsupported(`the DeletionPolicy ${DeletionPolicy} (${path})`);
    return DeletionPolicy !== 'Delete';
  }

  private attribute(id: string, attribute: string): Json {
    const deployed = this.made.get(id);
    if (!deployed) throw new Error(`${this.path}: GetAtt of ${id}, which is not there`);
    const value = deployed.attributes[attribute];
    if (value === undefined) throw new Unsupported(`the attribute ${attribute} of ${this.template.Resources![id].Type} (${this.path}/${id})`);
    return value;
  }

  private parameter(id: string): Json | undefined {
    const parameter = this.template.Parameters?.[id];
    if (!parameter) return undefined;
    const value = this.parameters[id] ?? parameter.Default;
    if (value === undefined) throw new Error(`${this.path}: no value for the parameter ${id}`);
    return parameter.Type.startsWith('AWS::SSM::Parameter::Value') ? `{{resolve:ssm:${String(value)}}}` : String(value);
  }

  private async evaluate(id: string): Promise<boolean> {
    const known = this.conditions.get(id);
    if (known !== undefined) return known;
    for (const other of conditionNames(this.template.Conditions![id])) await this.evaluate(other);
    const value = await evaluateCondition(this.template.Conditions![id], this.scope, `${this.path}.Conditions.${id}`);
    this.conditions.set(id, value);
    return value;
  }
}

function conditionNames(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(conditionNames);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => key === 'Condition' && typeof inner === 'string' ? [inner] : conditionNames(inner));
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** An error that says which resource it is about. */
function located(error: unknown, { type, path, metadata }: Resource): Error {
  const problem = error instanceof Error ? error : new Error(String(error));
  if (!problem.message.includes(path)) problem.message = `${path} (${type}${constructPath({ Type: type, Metadata: metadata })}): ${problem.message}`;
  return problem;
}

/** The construct's path where the synthesis has written it. */
function constructPath(resource: TemplateResource): string {
  const path = resource.Metadata?.['aws:cdk:path'];
  return typeof path === 'string' ? `, ${path}` : '';
}
