import { arnOf, checkName, invalid, nameOf, page } from './support';
import { AwsError, Cloud, Deployed, Json, JsonObject, Resource } from '../cloud/types';
import { array, object, oneOf, only, optionalObject, optionalString, seconds, string, strings, time } from '../cloudwatch/shape';

interface Package {
  readonly arn: string;
  readonly group: string;
  readonly version: number;
  body: JsonObject;
}

interface Group {
  readonly arn: string;
  readonly name: string;
  readonly body: JsonObject;
  readonly packages: Package[];
  /** The highest version ever given: a version number is not used again. */
  last: number;
}

const CREATE = [
  'ModelPackageGroupName', 'ModelPackageDescription', 'InferenceSpecification', 'ModelApprovalStatus', 'ModelMetrics', 'DriftCheckBaselines',
  'MetadataProperties', 'CustomerMetadataProperties', 'Domain', 'Task', 'SamplePayloadUrl', 'SkipModelValidation', 'SourceUri',
  'SecurityConfig', 'ModelCard', 'ModelLifeCycle', 'ModelPackageRegistrationType', 'ClientToken', 'AdditionalInferenceSpecifications', 'CertifyForMarketplace',
];
const UPDATE = [
  'ModelPackageArn', 'ModelApprovalStatus', 'ApprovalDescription', 'CustomerMetadataProperties', 'CustomerMetadataPropertiesToRemove',
  'ModelLifeCycle', 'InferenceSpecification', 'SourceUri', 'ModelCard', 'ClientToken',
];
const APPROVAL = ['Approved', 'Rejected', 'PendingManualApproval'] as const;

/** SageMaker's model registry: groups of versioned model packages. */
export class Packages {
  private readonly groups = new Map<string, Group>();
  private readonly byToken = new Map<string, { input: string; arn: string }>();

  constructor(private readonly cloud: Cloud) {}

  createGroup(input: JsonObject): JsonObject {
    only(input, 'CreateModelPackageGroup', ['ModelPackageGroupName', 'ModelPackageGroupDescription', 'Tags']);
    const name = checkName(string(input, 'ModelPackageGroupName'), 'modelPackageGroupName');
    const arn = arnOf(this.cloud, 'model-package-group', name);
    if (this.groups.has(name)) throw invalid(`Model Package Group already exists: ${arn}`);
    this.groups.set(name, { arn, name, body: { ...input, CreationTime: seconds(this.cloud.clock.now().getTime()) }, packages: [], last: 0 });
    return { ModelPackageGroupArn: arn };
  }

  async createGroupResource(resource: Resource): Promise<Deployed> {
    const { ModelPackageGroupPolicy, ...properties } = resource.properties;
    const { ModelPackageGroupArn } = this.createGroup(properties);
    if (ModelPackageGroupPolicy !== undefined) this.cloud.log(`${resource.path}: the group's resource policy is declared, decisions are the core's`);
    return { ref: String(ModelPackageGroupArn), attributes: { ModelPackageGroupArn: String(ModelPackageGroupArn), ModelPackageGroupStatus: 'Completed' } };
  }

  describeGroup(input: JsonObject): JsonObject {
    const group = this.group(string(input, 'ModelPackageGroupName'));
    const { Tags, ...body } = group.body;
    return { ...body, ModelPackageGroupArn: group.arn, ModelPackageGroupStatus: 'Completed', CreatedBy: {} };
  }

  listGroups(input: JsonObject): JsonObject {
    const { items, next } = page([...this.groups.values()], input);
    return {
      ModelPackageGroupSummaryList: items.map((group) => ({
        ModelPackageGroupName: group.name, ModelPackageGroupArn: group.arn, ModelPackageGroupStatus: 'Completed', CreationTime: group.body.CreationTime,
      })),
      ...next,
    };
  }

  deleteGroup(input: JsonObject): JsonObject {
    const group = this.group(string(input, 'ModelPackageGroupName'));
    if (group.packages.length > 0) throw new AwsError('ConflictException', `Model Package Group ${group.arn} cannot be deleted: it has model packages`);
    this.groups.delete(group.name);
    return {};
  }

  async create(input: JsonObject): Promise<JsonObject> {
    only(input, 'CreateModelPackage', CREATE);
    const token = optionalString(input, 'ClientToken');
    const text = JSON.stringify(input);
    const earlier = token === undefined ? undefined : this.byToken.get(token);
    if (earlier !== undefined) {
      if (earlier.input !== text) throw invalid('The ClientToken was used before with other parameters');
      return { ModelPackageArn: earlier.arn };
    }
    checkMetadata(input);
    const group = this.group(string(input, 'ModelPackageGroupName'));
    const version = group.last += 1;
    const arn = arnOf(this.cloud, 'model-package', `${group.name}/${version}`);
    const { ClientToken, SkipModelValidation, CertifyForMarketplace, ...body } = input;
    const created: Package = {
      arn,
      group: group.name,
      version,
      body: {
        ...body,
        ModelPackageGroupName: group.name,
        ModelApprovalStatus: input.ModelApprovalStatus === undefined ? 'PendingManualApproval' : oneOf(input, 'ModelApprovalStatus', APPROVAL),
        ModelPackageVersion: version,
        ModelPackageArn: arn,
        ModelPackageStatus: 'Completed',
        ModelPackageStatusDetails: { ValidationStatuses: [], ImageScanStatuses: [] },
        CreationTime: seconds(this.cloud.clock.now().getTime()),
      },
    };
    group.packages.push(created);
    if (token !== undefined) this.byToken.set(token, { input: text, arn });
    await this.changed(created);
    return { ModelPackageArn: arn };
  }

  describe(input: JsonObject): JsonObject {
    return { ...this.package(string(input, 'ModelPackageName')).body };
  }

  list(input: JsonObject): JsonObject {
    only(input, 'ListModelPackages', [
      'ModelPackageGroupName', 'ModelApprovalStatus', 'ModelPackageType', 'CreationTimeAfter', 'CreationTimeBefore', 'SortBy', 'SortOrder', 'MaxResults', 'NextToken',
    ]);
    const group = optionalString(input, 'ModelPackageGroupName');
    const all = (group === undefined ? [...this.groups.values()] : [this.group(group)]).flatMap(({ packages }) => packages)
      .filter(({ body }) => (input.ModelApprovalStatus === undefined || body.ModelApprovalStatus === input.ModelApprovalStatus)
        && (input.CreationTimeAfter === undefined || Number(body.CreationTime) * 1000 > time(input, 'CreationTimeAfter'))
        && (input.CreationTimeBefore === undefined || Number(body.CreationTime) * 1000 < time(input, 'CreationTimeBefore')));
    // Newest first unless asked otherwise, as SageMaker does.
    if (input.SortOrder !== 'Ascending') all.reverse();
    const { items, next } = page(all, input);
    return { ModelPackageSummaryList: items.map(({ body }) => summary(body)), ...next };
  }

  async update(input: JsonObject): Promise<JsonObject> {
    only(input, 'UpdateModelPackage', UPDATE);
    const found = this.package(string(input, 'ModelPackageArn'));
    checkMetadata(input);
    const { ModelPackageArn, ClientToken, CustomerMetadataProperties, CustomerMetadataPropertiesToRemove, ...rest } = input;
    if (input.ModelApprovalStatus !== undefined) oneOf(input, 'ModelApprovalStatus', APPROVAL);
    const metadata = { ...optionalObject(found.body.CustomerMetadataProperties, 'CustomerMetadataProperties') };
    Object.assign(metadata, optionalObject(CustomerMetadataProperties, 'CustomerMetadataProperties'));
    for (const key of strings(CustomerMetadataPropertiesToRemove, 'CustomerMetadataPropertiesToRemove')) delete metadata[key];
    if (Object.keys(metadata).length > 50) throw invalid('CustomerMetadataProperties must have at most 50 entries');
    found.body = {
      ...found.body, ...rest, CustomerMetadataProperties: metadata, LastModifiedTime: seconds(this.cloud.clock.now().getTime()),
    };
    await this.changed(found);
    return { ModelPackageArn: found.arn };
  }

  delete(input: JsonObject): JsonObject {
    const found = this.package(string(input, 'ModelPackageName'));
    const group = this.group(found.group);
    group.packages.splice(group.packages.indexOf(found), 1);
    return {};
  }

  /** The one container of a package that may be deployed. */
  container(nameOrArn: string): JsonObject {
    const { body, arn } = this.package(nameOrArn);
    if (body.ModelApprovalStatus !== 'Approved') throw invalid(`Model package ${arn} cannot be deployed: its approval status is ${String(body.ModelApprovalStatus)}`);
    const containers = array(object(body.InferenceSpecification, 'InferenceSpecification').Containers, 'Containers');
    if (containers.length !== 1) throw invalid(`Model package ${arn} must have exactly one container`);
    return object(containers[0], 'Containers[0]');
  }

  private group(nameOrArn: string): Group {
    const group = this.groups.get(nameOf(nameOrArn));
    if (group === undefined) throw invalid(`ModelPackageGroup ${nameOrArn} does not exist.`);
    return group;
  }

  private package(arn: string): Package {
    const found = [...this.groups.values()].flatMap(({ packages }) => packages).find((candidate) => candidate.arn === arn);
    if (found === undefined) throw invalid(`ModelPackage ${arn} does not exist.`);
    return found;
  }

  private async changed({ body, arn }: Package): Promise<void> {
    const { ModelPackageDescription, ...detail } = body;
    await this.cloud.emit('aws.sagemaker', 'SageMaker Model Package State Change', withTimes(detail), [arn]);
  }
}

function checkMetadata(input: JsonObject): void {
  const metadata = Object.entries(optionalObject(input.CustomerMetadataProperties, 'CustomerMetadataProperties') ?? {});
  if (metadata.length > 50) throw invalid(`CustomerMetadataProperties must have at most 50 entries, got ${metadata.length}`);
  for (const [key, value] of metadata) {
    if (typeof value !== 'string' || value.length < 1 || value.length > 256) throw invalid(`CustomerMetadataProperties.${key} must be text of 1 to 256 characters`);
    if (key.length > 128) throw invalid(`CustomerMetadataProperties.${key} must have a name of at most 128 characters`);
  }
  const cycle = optionalObject(input.ModelLifeCycle, 'ModelLifeCycle');
  if (cycle !== undefined) {
    only(cycle, 'ModelLifeCycle', ['Stage', 'StageStatus', 'StageDescription']);
    string(cycle, 'Stage');
    string(cycle, 'StageStatus');
    if ((optionalString(cycle, 'StageDescription') ?? '').length > 1024) throw invalid('ModelLifeCycle.StageDescription must have at most 1024 characters');
  }
}

function summary(body: JsonObject): JsonObject {
  const members = [
    'ModelPackageGroupName', 'ModelPackageVersion', 'ModelPackageArn', 'ModelPackageDescription', 'CreationTime', 'ModelPackageStatus',
    'ModelApprovalStatus', 'ModelLifeCycle', 'ModelPackageRegistrationType',
  ];
  return Object.fromEntries(members.filter((name) => body[name] !== undefined).map((name): [string, Json] => [name, body[name]]));
}

/** Events carry times as milliseconds. */
function withTimes(detail: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, /Time$/.test(name) && typeof value === 'number' ? value * 1000 : value]));
}
