import { EndpointConfigs } from './endpoint-configs';
import { Endpoints } from './endpoints';
import { Fault, Faults } from './faults';
import { Jobs } from './jobs';
import { ModelServers } from './model-server';
import { Models } from './models';
import { Packages } from './packages';
import { Processing } from './processing';
import { isRuntimeCall, Runtime } from './runtime';
import { Training } from './training';
import { AutoScaling } from '../autoscaling/auto-scaling';
import { physicalName } from '../cloud/names';
import { Call, Cloud, Deployed, JsonObject, Provisioner, RawAnswer, Resource, Service, StandIn, Unsupported } from '../cloud/types';
import { CloudWatch } from '../cloudwatch/cloudwatch';
import { object, array, string } from '../cloudwatch/shape';

interface Parts {
  readonly packages: Packages;
  readonly models: Models;
  readonly configs: EndpointConfigs;
  readonly endpoints: Endpoints;
  readonly runtime: Runtime;
  readonly training: Jobs;
  readonly processing: Jobs;
  readonly servers: ModelServers;
}

/** What a container sees of the network that it was given. */
const NETWORK = 'containers run on this machine\'s own network: a VpcConfig is checked and kept, network isolation is noted, and neither is enforced';

/** SageMaker's registry, jobs and real-time hosting, with real processes under the container contract. */
export class SageMaker implements StandIn {
  readonly describes = [
    { service: 'SageMaker training and processing jobs', by: `Python processes under the /opt/ml contract; ${NETWORK}` },
    {
      service: 'SageMaker endpoints',
      by: 'Python model servers behind weights, shadow copies, blue/green shifting with alarms, data capture and metrics of its own; '
        + `one process stands for all instances of a model; ${NETWORK}`,
    },
    { service: 'SageMaker Model Registry', by: 'groups and versioned packages of its own' },
  ];
  readonly services: Service[] = [{ scopes: ['sagemaker'], handle: async (call) => this.answer(call) }];
  readonly provisioners: Provisioner[] = [
    {
      types: ['AWS::SageMaker::ModelPackageGroup'],
      create: async (resource) => this.running.packages.createGroupResource(resource),
      delete: async (_, { ref }) => { this.running.packages.deleteGroup({ ModelPackageGroupName: ref.slice(ref.lastIndexOf('/') + 1) }); },
    },
    { types: ['AWS::SageMaker::Model'], create: async (resource) => this.created(resource, 'CreateModel', 'ModelName', 'ModelArn') },
    {
      types: ['AWS::SageMaker::EndpointConfig'],
      create: async (resource) => this.created(resource, 'CreateEndpointConfig', 'EndpointConfigName', 'EndpointConfigArn'),
    },
    { types: ['AWS::SageMaker::Endpoint'], create: async (resource) => this.created(resource, 'CreateEndpoint', 'EndpointName', 'EndpointArn') },
  ];
  readonly faults = new Faults();
  private parts?: Parts;
  private readonly tags = new Map<string, Map<string, string>>();

  async start(cloud: Cloud): Promise<void> {
    const cloudWatch = cloud.find(CloudWatch);
    const packages = new Packages(cloud);
    const servers = new ModelServers(cloud);
    const models = new Models(cloud, packages);
    const configs = new EndpointConfigs(cloud, models, (config) => this.running.endpoints.userOf(config));
    const endpoints = new Endpoints(cloud, cloudWatch, { models, configs }, servers, this.faults, () => cloud.find(AutoScaling));
    this.parts = {
      packages,
      models,
      configs,
      endpoints,
      servers,
      runtime: new Runtime(cloud, endpoints),
      training: new Jobs(cloud, new Training(cloud)),
      processing: new Jobs(cloud, new Processing(cloud)),
    };
  }

  async stop(): Promise<void> {
    this.parts?.endpoints.stop();
    await this.parts?.servers.stop();
  }

  /** Makes a fleet misbehave. The answer ends it. */
  injectFault(fault: Fault): () => void {
    return this.faults.inject(fault);
  }

  /** The traffic of all endpoints so far, and how it was spread over configs. */
  get traffic(): { counts: Runtime['counts']; shifts: Endpoints['traffic'] } {
    return { counts: this.running.runtime.counts, shifts: this.running.endpoints.traffic };
  }

  /** Writes what data capture has buffered, e.g. at the end of a run. */
  async flushCaptures(): Promise<void> {
    await this.running.endpoints.flush();
  }

  /** Resolves when a job has ended, with what describe answers: what `.sync` waits for. */
  async jobFinished(kind: 'training' | 'processing', name: string): Promise<JsonObject> {
    return this.running[kind].finished(name);
  }

  private get running(): Parts {
    if (this.parts === undefined) throw new Error('SageMaker has not been started');
    return this.parts;
  }

  private async answer(call: Call): Promise<JsonObject | RawAnswer> {
    if (isRuntimeCall(call)) return this.running.runtime.handle(call);
    return this.api(call.operation, call.input);
  }

  private async api(operation: string, input: JsonObject): Promise<JsonObject> {
    const { packages, models, configs, endpoints, training, processing } = this.running;
    switch (operation) {
      case 'CreateModelPackageGroup': return packages.createGroup(input);
      case 'DescribeModelPackageGroup': return packages.describeGroup(input);
      case 'ListModelPackageGroups': return packages.listGroups(input);
      case 'DeleteModelPackageGroup': return packages.deleteGroup(input);
      case 'CreateModelPackage': return packages.create(input);
      case 'DescribeModelPackage': return packages.describe(input);
      case 'ListModelPackages': return packages.list(input);
      case 'UpdateModelPackage': return packages.update(input);
      case 'DeleteModelPackage': return packages.delete(input);
      case 'CreateModel': return models.create(input);
      case 'DescribeModel': return models.describe(input);
      case 'ListModels': return models.list(input);
      case 'DeleteModel': return models.delete(input);
      case 'CreateEndpointConfig': return configs.create(input);
      case 'DescribeEndpointConfig': return configs.describe(input);
      case 'ListEndpointConfigs': return configs.list(input);
      case 'DeleteEndpointConfig': return configs.delete(input);
      case 'CreateEndpoint': return endpoints.create(input);
      case 'DescribeEndpoint': return endpoints.describe(input);
      case 'ListEndpoints': return endpoints.list(input);
      case 'UpdateEndpoint': return endpoints.update(input);
      case 'UpdateEndpointWeightsAndCapacities': return endpoints.updateWeights(input);
      case 'DeleteEndpoint': return endpoints.delete(input);
      case 'CreateTrainingJob': return training.create(input);
      case 'DescribeTrainingJob': return training.describe(input);
      case 'ListTrainingJobs': return training.list(input);
      case 'StopTrainingJob': return training.stop(input);
      case 'CreateProcessingJob': return processing.create(input);
      case 'DescribeProcessingJob': return processing.describe(input);
      case 'ListProcessingJobs': return processing.list(input);
      case 'StopProcessingJob': return processing.stop(input);
      case 'AddTags': return this.addTags(input);
      case 'ListTags': return { Tags: [...this.tags.get(string(input, 'ResourceArn')) ?? []].map(([Key, Value]) => ({ Key, Value })) };
      default: throw new Unsupported(`sagemaker:${operation}`);
    }
  }

  private addTags(input: JsonObject): JsonObject {
    const arn = string(input, 'ResourceArn');
    const tags = this.tags.get(arn) ?? new Map<string, string>();
    this.tags.set(arn, tags);
    for (const item of array(input.Tags, 'Tags')) {
      const tag = object(item, 'Tags[]');
      tags.set(string(tag, 'Key'), String(tag.Value ?? ''));
    }
    return { Tags: [...tags].map(([Key, Value]) => ({ Key, Value })) };
  }

  private async created(resource: Resource, operation: string, nameMember: string, arnMember: string): Promise<Deployed> {
    const input: JsonObject = { [nameMember]: physicalName(resource, 63), ...resource.properties };
    const answer = await this.api(operation, input);
    const arn = string(answer, arnMember);
    return { ref: arn, attributes: { [nameMember]: string(input, nameMember), [arnMember]: arn } };
  }
}
