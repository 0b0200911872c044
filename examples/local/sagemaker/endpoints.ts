import { Deployment } from './deployment';
import { alarmArn, checkAlarms, planDeployment } from './deployment-config';
import { Endpoint } from './endpoint';
import { EndpointConfig, EndpointConfigs } from './endpoint-configs';
import { Faults } from './faults';
import { Fleet, Generation } from './fleet';
import { ModelServers } from './model-server';
import { Models } from './models';
import { Rights } from './rights';
import { arnOf, checkName, invalid, page } from './support';
import { AutoScaling } from '../autoscaling/auto-scaling';
import { Cloud, Json, JsonObject } from '../cloud/types';
import { CloudWatch } from '../cloudwatch/cloudwatch';
import { array, object, only, optionalNumber, optionalString, oneOf, optionalObject, seconds, string } from '../cloudwatch/shape';

/** Seconds on the local clock until an endpoint is gone, or has other weights. */
const SHORT_SECONDS = 60;

/** Endpoints: the API part. */
export class Endpoints {
  /** How requests were spread, from each change on: for reports. */
  readonly traffic: { at: Date; endpoint: string; shares: Record<string, number>; note: string }[] = [];
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly deployments = new Map<string, Deployment>();

  constructor(
    private readonly cloud: Cloud,
    private readonly cloudWatch: CloudWatch,
    private readonly known: { readonly models: Models; readonly configs: EndpointConfigs },
    private readonly servers: ModelServers,
    private readonly faults: Faults,
    private readonly scaling: () => AutoScaling,
  ) {}

  async create(input: JsonObject): Promise<JsonObject> {
    only(input, 'CreateEndpoint', ['EndpointName', 'EndpointConfigName', 'Tags', 'DeploymentConfig']);
    const name = checkName(string(input, 'EndpointName'), 'endpointName');
    const arn = arnOf(this.cloud, 'endpoint', name.toLowerCase());
    if (this.endpoints.has(name)) throw invalid(`Cannot create already existing endpoint "${arn}".`);
    const config = this.known.configs.get(string(input, 'EndpointConfigName'));
    const plan = planDeployment(optionalObject(input.DeploymentConfig, 'DeploymentConfig'), undefined, config);
    const endpoint = new Endpoint(name, arn, this.cloud.clock.now().getTime(), input.Tags ?? []);
    this.endpoints.set(name, endpoint);
    await this.deploy(endpoint, config, { ...plan, steps: [1], waitSeconds: 0, terminationSeconds: 0 });
    return { EndpointArn: arn };
  }

  async update(input: JsonObject): Promise<JsonObject> {
    only(input, 'UpdateEndpoint', [
      'EndpointName', 'EndpointConfigName', 'RetainAllVariantProperties', 'ExcludeRetainedVariantProperties', 'DeploymentConfig', 'RetainDeploymentConfig',
    ]);
    const endpoint = this.get(string(input, 'EndpointName'));
    const blue = endpoint.current;
    if (endpoint.status === 'Failed') throw invalid(`Cannot update endpoint "${endpoint.arn}" because it is in Failed status.`);
    if (blue === undefined || endpoint.status !== 'InService') throw invalid(`Cannot update in-progress endpoint "${endpoint.arn}".`);
    const config = this.known.configs.get(string(input, 'EndpointConfigName'));
    const given = optionalObject(input.DeploymentConfig, 'DeploymentConfig')
      ?? (input.RetainDeploymentConfig === true ? endpoint.lastDeploymentConfig : undefined);
    const plan = planDeployment(given, blue.config, config);
    const roleArn = blue.production[0].options.model.roleArn;
    checkAlarms(plan, (alarm) => this.cloudWatch.alarms.find(alarm) !== undefined,
      (alarm) => new Rights(this.cloud, roleArn).denied(['cloudwatch:DescribeAlarms', alarmArn(this.cloud, alarm)]) === undefined);
    for (const fleet of blue.production) this.checkScaling(endpoint, fleet, config);
    endpoint.status = 'Updating';
    endpoint.failureReason = undefined;
    await this.deploy(endpoint, config, plan, (green) => {
      if (input.RetainAllVariantProperties === true) retain(blue, green, array(input.ExcludeRetainedVariantProperties, 'ExcludeRetainedVariantProperties'));
    });
    return { EndpointArn: endpoint.arn };
  }

  async updateWeights(input: JsonObject): Promise<JsonObject> {
    only(input, 'UpdateEndpointWeightsAndCapacities', ['EndpointName', 'DesiredWeightsAndCapacities']);
    const endpoint = this.get(string(input, 'EndpointName'));
    if (endpoint.status !== 'InService' || endpoint.current === undefined) throw invalid(`Cannot update in-progress endpoint "${endpoint.arn}".`);
    const { current } = endpoint;
    const changes = array(input.DesiredWeightsAndCapacities, 'DesiredWeightsAndCapacities').map((item) => {
      const change = object(item, 'DesiredWeightsAndCapacities[]');
      only(change, 'DesiredWeightsAndCapacities[]', ['VariantName', 'DesiredWeight', 'DesiredInstanceCount']);
      const name = string(change, 'VariantName');
      const fleet = current.fleets.find((candidate) => candidate.options.variant.name === name);
      if (fleet === undefined) throw invalid(`Could not find variant ${name} at endpoint "${endpoint.arn}".`);
      return { fleet, weight: optionalNumber(change, 'DesiredWeight'), count: optionalNumber(change, 'DesiredInstanceCount') };
    });
    endpoint.status = 'Updating';
    await this.moved(endpoint, 'new weights');
    this.cloud.clock.after(SHORT_SECONDS * 1000, async () => {
      for (const { fleet, weight, count } of changes) {
        fleet.weight = weight ?? fleet.weight;
        fleet.instanceCount = count ?? fleet.instanceCount;
      }
      endpoint.status = 'InService';
      endpoint.route(0);
      await this.moved(endpoint, 'in service');
    }, `weights of ${endpoint.name}`);
    return { EndpointArn: endpoint.arn };
  }

  async delete(input: JsonObject): Promise<JsonObject> {
    const endpoint = this.get(string(input, 'EndpointName'));
    if (endpoint.status === 'Deleting' || endpoint.status === 'Updating' || endpoint.status === 'Creating') {
      throw invalid(`Cannot delete in-progress endpoint "${endpoint.arn}".`);
    }
    endpoint.status = 'Deleting';
    this.scaling().deregisterEndpoint(endpoint.name);
    await this.moved(endpoint, 'deleting');
    this.cloud.clock.after(SHORT_SECONDS * 1000, async () => {
      await endpoint.current?.retire();
      this.endpoints.delete(endpoint.name);
    }, `deletion of ${endpoint.name}`);
    return {};
  }

  describe(input: JsonObject): JsonObject {
    return this.get(string(input, 'EndpointName')).describe();
  }

  list(input: JsonObject): JsonObject {
    only(input, 'ListEndpoints', ['NameContains', 'StatusEquals', 'MaxResults', 'NextToken', 'SortBy', 'SortOrder']);
    const wanted = [...this.endpoints.values()].filter(({ name, status }) => name.includes(optionalString(input, 'NameContains') ?? '')
      && (input.StatusEquals === undefined || status === input.StatusEquals)).reverse();
    const { items, next } = page(wanted, input);
    return {
      Endpoints: items.map(({ name, arn, status, created, modified }) => ({
        EndpointName: name, EndpointArn: arn, EndpointStatus: status, CreationTime: seconds(created), LastModifiedTime: seconds(modified),
      })),
      ...next,
    };
  }

  /** The endpoint that uses a config, if any does. */
  userOf(config: string): string | undefined {
    return [...this.endpoints.values()].find(({ status, current, pending }) => status !== 'Deleting' && status !== 'Failed'
      && (current?.config.name === config || pending?.generation.config.name === config))?.name;
  }

  find(name: string): Endpoint | undefined {
    return this.endpoints.get(name);
  }

  /** Writes what data capture has buffered. */
  async flush(): Promise<void> {
    for (const { current, pending } of this.endpoints.values()) {
      for (const fleet of [...current?.fleets ?? [], ...pending?.generation.fleets ?? []]) await fleet.flush();
    }
  }

  stop(): void {
    for (const deployment of this.deployments.values()) deployment.abandon();
  }

  private get(name: string): Endpoint {
    const endpoint = this.endpoints.get(name);
    if (endpoint === undefined) throw invalid(`Could not find endpoint "${arnOf(this.cloud, 'endpoint', name.toLowerCase())}".`);
    return endpoint;
  }

  private async deploy(
    endpoint: Endpoint, config: EndpointConfig, plan: ReturnType<typeof planDeployment>, prepare: (green: Generation) => void = () => undefined,
  ): Promise<void> {
    const { cloud, cloudWatch, servers, faults } = this;
    const green = new Generation(config, (variant, shadow) => new Fleet({
      cloud, cloudWatch, servers, faults, endpointName: endpoint.name, config, variant, shadow, model: this.known.models.model(variant.modelName),
    }));
    prepare(green);
    const deployment = new Deployment(cloud, cloudWatch, endpoint, green, plan, {
      moved: async (moved, note) => this.moved(moved, note),
      breaks: (configName) => faults.breaks(endpoint.name, configName),
    });
    this.deployments.set(endpoint.name, deployment);
    await deployment.begin();
  }

  private checkScaling(endpoint: Endpoint, fleet: Fleet, config: EndpointConfig): void {
    const { variant } = fleet.options;
    if (!this.scaling().scales(`endpoint/${endpoint.name}/variant/${variant.name}`)) return;
    const next = config.production.find(({ name }) => name === variant.name);
    if (next?.instanceType !== variant.instanceType) {
      throw invalid(`Variant ${variant.name} is registered with Application Auto Scaling: deregister it before its instance type changes or it is removed`);
    }
  }

  private async moved(endpoint: Endpoint, note: string): Promise<void> {
    endpoint.modified = this.cloud.clock.now().getTime();
    this.traffic.push({ at: this.cloud.clock.now(), endpoint: endpoint.name, shares: endpoint.shares, note });
    this.cloud.log(`endpoint ${endpoint.name}: ${endpoint.status}, ${note}, ${JSON.stringify(endpoint.shares)}`);
    const { FailureReason, ...description } = endpoint.describe();
    const detail = { ...description, EndpointStatus: endpoint.status.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase(), Tags: endpoint.tags };
    const type = endpoint.pending === undefined ? 'SageMaker Endpoint State Change' : 'SageMaker Endpoint Deployment State Change';
    await this.cloud.emit('aws.sagemaker', type, detail, [endpoint.arn]);
  }
}

/** Weights and counts of the running variants, instead of those of the new config. */
function retain(blue: Generation, green: Generation, excluded: Json[]): void {
  const not = new Set(excluded.map((item) => oneOf(object(item, 'ExcludeRetainedVariantProperties[]'), 'VariantPropertyType',
    ['DesiredInstanceCount', 'DesiredWeight'])));
  for (const fleet of green.production) {
    const before = blue.production.find(({ options }) => options.variant.name === fleet.options.variant.name);
    if (before === undefined) continue;
    if (!not.has('DesiredInstanceCount')) fleet.instanceCount = before.instanceCount;
    if (!not.has('DesiredWeight')) fleet.weight = before.weight;
  }
}
