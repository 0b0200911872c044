import { Assembly, Template } from '../../../examples/local/cloud/assembly';

/** Where the templates are deployed to. */
export interface Where {
  readonly account: string;
  readonly region: string;
}

/** A resource of an app, with every reference in its properties replaced by what it stands for. */
export interface Declared {
  readonly type: string;
  /** Its logical id; in a nested stack that is no model's, after what the stack is for. */
  readonly logicalId: string;
  /** Of which model's stack it is, from 1; 0 for what is in none. */
  readonly model: number;
  readonly name: string;
  readonly arn: string;
  readonly properties: Record<string, unknown>;
}

/** Resource part of an ARN, by type: service, what stands before the name, and whether the ARN has region and account. */
const ARNS: Record<string, [service: string, before: string, scope?: 'global' | 'none']> = {
  'AWS::ApiGateway::RestApi': ['execute-api', ''],
  'AWS::Athena::WorkGroup': ['athena', 'workgroup/'],
  'AWS::CloudTrail::Trail': ['cloudtrail', 'trail/'],
  'AWS::CloudWatch::Alarm': ['cloudwatch', 'alarm:'],
  'AWS::CloudWatch::CompositeAlarm': ['cloudwatch', 'alarm:'],
  'AWS::CodeArtifact::Domain': ['codeartifact', 'domain/'],
  'AWS::CodeArtifact::Repository': ['codeartifact', 'repository/'],
  'AWS::CodeBuild::Project': ['codebuild', 'project/'],
  'AWS::CodeCommit::Repository': ['codecommit', ''],
  'AWS::CodePipeline::Pipeline': ['codepipeline', ''],
  'AWS::DynamoDB::Table': ['dynamodb', 'table/'],
  'AWS::ECR::Repository': ['ecr', 'repository/'],
  'AWS::Events::EventBus': ['events', 'event-bus/'],
  'AWS::Events::Rule': ['events', 'rule/'],
  'AWS::Glue::Database': ['glue', 'database/'],
  'AWS::Glue::Job': ['glue', 'job/'],
  'AWS::IAM::ManagedPolicy': ['iam', 'policy/', 'global'],
  'AWS::IAM::Role': ['iam', 'role/', 'global'],
  'AWS::KMS::Key': ['kms', 'key/'],
  'AWS::KinesisFirehose::DeliveryStream': ['firehose', 'deliverystream/'],
  'AWS::Lambda::Function': ['lambda', 'function:'],
  'AWS::Logs::LogGroup': ['logs', 'log-group:'],
  'AWS::S3::Bucket': ['s3', '', 'none'],
  'AWS::SNS::Topic': ['sns', ''],
  'AWS::SQS::Queue': ['sqs', ''],
  'AWS::SSM::Parameter': ['ssm', 'parameter/'],
  'AWS::SageMaker::ModelPackageGroup': ['sagemaker', 'model-package-group/'],
  'AWS::SageMaker::NotebookInstance': ['sagemaker', 'notebook-instance/'],
  'AWS::Scheduler::Schedule': ['scheduler', 'schedule/default/'],
  'AWS::SecretsManager::Secret': ['secretsmanager', 'secret:'],
  'AWS::StepFunctions::StateMachine': ['states', 'stateMachine:'],
};
/** Types whose Ref is an ARN. */
const REF_IS_ARN = /::(ManagedPolicy|Topic|StateMachine|NotebookInstance|Secret)$/;
/** Properties that give a resource its name. */
const NAMES = [
  'BucketName', 'RoleName', 'ManagedPolicyName', 'FunctionName', 'TableName', 'TopicName', 'QueueName', 'StateMachineName', 'RepositoryName', 'PipelineName',
  'AlarmName', 'StageName', 'NotebookInstanceName', 'ModelPackageGroupName', 'DeliveryStreamName', 'LogGroupName', 'TrailName', 'WorkGroup', 'Name',
];

/** What the names of one template stand for, as CloudFormation would fill them in. */
export class Names {
  private readonly nested = new Map<string, Names>();

  constructor(
    private readonly assembly: Assembly, private readonly stack: string, private readonly suffix: string, private readonly template: Template,
    private readonly where: Where, private readonly imported: (name: string) => unknown,
    private readonly parameters: Record<string, unknown> = {}, private readonly model = 0, private readonly owner = '',
  ) {}

  /** All resources, those of nested stacks included. */
  declared(): Declared[] {
    return Object.entries(this.template.Resources ?? {}).flatMap(([logicalId, { Type, Properties }]) => [
      {
        type: Type,
        logicalId: `${this.owner}${logicalId}`,
        model: this.model,
        name: this.nameOf(logicalId),
        arn: this.arnOf(logicalId),
        properties: this.resolve(Properties ?? {}) as Record<string, unknown>,
      },
      ...Type === 'AWS::CloudFormation::Stack' ? this.child(logicalId).declared() : [],
    ]);
  }

  /** The value of an export of this template, if it has it. */
  exported(name: string): unknown {
    const found = Object.values(this.template.Outputs ?? {}).find(({ Export }) => Export !== undefined && this.resolve(Export.Name) === name);
    return found && this.resolve(found.Value);
  }

  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item)).filter((item) => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [[name, argument]] = entries.length === 1 ? entries : [['', undefined]];
    if (name === 'Ref') return this.ref(String(argument));
    if (name.startsWith('Fn::')) return this.intrinsic(name, argument);
    return Object.fromEntries(entries.map(([member, inner]) => [member, this.resolve(inner)]).filter(([, inner]) => inner !== undefined));
  }

  private intrinsic(name: string, argument: unknown): unknown {
    if (name === 'Fn::GetAtt') {
      const [id, attribute] = Array.isArray(argument) ? argument as string[] : [String(argument).split('.')[0], String(argument).split('.').slice(1).join('.')];
      return this.attribute(id, attribute);
    }
    if (name === 'Fn::Sub' && typeof argument === 'string') return argument.replace(/\$\{([^!}]+)\}/g, (_whole, key: string) => String(this.ref(key)));
    const resolved = this.resolve(argument);
    const list = resolved as unknown[];
    if (name === 'Fn::Join') return (list[1] as unknown[]).join(String(list[0]));
    if (name === 'Fn::Select') return (list[1] as unknown[])[Number(list[0])];
    if (name === 'Fn::Split') return String(list[1]).split(String(list[0]));
    if (name === 'Fn::ImportValue') return this.imported(String(resolved));
    // what is left (texts of scripts, zones) names nothing in a policy
    return `${name}`;
  }

  private ref(id: string): unknown {
    const pseudo: Record<string, string | undefined> = {
      'AWS::Partition': 'aws',
      'AWS::AccountId': this.where.account,
      'AWS::Region': this.where.region,
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::StackName': this.stack,
      'AWS::StackId': `arn:aws:cloudformation:${this.where.region}:${this.where.account}:stack/${this.stack}/1`,
    };
    if (id === 'AWS::NoValue') return undefined;
    if (id in pseudo) return pseudo[id];
    if (id in this.parameters) return this.parameters[id];
    if (this.template.Resources?.[id] === undefined) return id;
    if (this.template.Resources[id].Type === 'AWS::SQS::Queue') return `https://sqs.${this.where.region}.amazonaws.com/${this.where.account}/${this.nameOf(id)}`;
    return REF_IS_ARN.test(this.template.Resources[id].Type) ? this.arnOf(id) : this.nameOf(id);
  }

  private attribute(id: string, attribute: string): unknown {
    if (attribute.startsWith('Outputs.')) {
      const child = this.child(id);
      return child.resolve(child.template.Outputs?.[attribute.slice('Outputs.'.length)].Value);
    }
    if (this.template.Resources?.[id] === undefined) throw new Error(`${this.stack} (${this.suffix}) has no resource ${id}, whose ${attribute} is asked for`);
    if (attribute === 'Arn') return this.template.Resources[id].Type === 'AWS::Logs::LogGroup' ? `${this.arnOf(id)}:*` : this.arnOf(id);
    return /Name$/.test(attribute) ? this.nameOf(id) : `${this.nameOf(id)}.${attribute}`;
  }

  private nameOf(id: string): string {
    const { Type, Properties } = this.template.Resources?.[id] ?? { Type: '' };
    const database = Properties?.DatabaseInput as Record<string, unknown> | undefined;
    const given = NAMES.map((property) => Properties?.[property]).find((value) => value !== undefined) ?? database?.Name;
    if (given !== undefined && Type !== 'AWS::ApiGateway::RestApi') return String(this.resolve(given));
    if (Type === 'AWS::StepFunctions::StateMachine') return `${id}-${this.suffix}`;
    // as CloudFormation makes names: the stack's and the logical id, both cut, and something that tells the nested stacks apart
    const cut = id.length > 28 ? `${id.slice(0, 20)}${id.slice(-8)}` : id;
    const name = `${this.stack.slice(0, 24)}-${cut}-${this.suffix}`;
    return /^AWS::(S3|SageMaker|ECR)::/.test(Type) ? name.toLowerCase() : name;
  }

  private arnOf(id: string): string {
    const { Type, Properties } = this.template.Resources?.[id] ?? { Type: '' };
    const { account, region } = this.where;
    if (Type === 'AWS::CloudFormation::Stack') return `arn:aws:cloudformation:${region}:${account}:stack/${this.stack}-${id}/1`;
    const [service, before, scope] = ARNS[Type] ?? [Type.split('::')[1]?.toLowerCase() ?? '', ''];
    // the path is a part of a role's ARN, and not of its name
    const path = Type === 'AWS::IAM::Role' ? String(this.resolve(Properties?.Path ?? '/')).slice(1) : '';
    if (scope === 'none') return `arn:aws:${service}:::${this.nameOf(id)}`;
    return `arn:aws:${service}:${scope === 'global' ? '' : region}:${account}:${before}${path}${this.nameOf(id)}`;
  }

  private child(id: string): Names {
    const known = this.nested.get(id);
    if (known !== undefined) return known;
    const properties = this.template.Resources?.[id].Properties ?? {};
    const stacks = Object.entries(this.template.Resources ?? {}).filter(([, { Type }]) => Type === 'AWS::CloudFormation::Stack').map(([stack]) => stack);
    const suffix = `${this.suffix}${stacks.indexOf(id) + 1}`;
    const models = stacks.filter((stack) =>
      Object.values(this.templateOf(stack).Resources ?? {}).some(({ Type }) => Type === 'AWS::SageMaker::ModelPackageGroup'));
    const parameters = this.resolve(properties.Parameters ?? {}) as Record<string, unknown>;
    const owner = models.includes(id) ? '' : id.replace(/NestedStack.*$/, '');
    const child = new Names(
      this.assembly, this.stack, suffix, this.templateOf(id), this.where, this.imported, parameters, models.indexOf(id) + 1, owner,
    );
    this.nested.set(id, child);
    return child;
  }

  private templateOf(nested: string): Template {
    return this.assembly.nestedTemplate(String(this.resolve(this.template.Resources?.[nested].Properties?.TemplateURL)));
  }
}

/** All resources of all stacks of an assembly. */
export function declaredIn(folder: string, where: Where): Declared[] {
  const assembly = new Assembly(folder);
  const stacks: Names[] = [];
  const imported = (name: string): unknown => stacks.map((stack) => stack.exported(name)).find((value) => value !== undefined);
  for (const { name, template } of assembly.stacks) stacks.push(new Names(assembly, name, `s${stacks.length}`, template, where, imported));
  return stacks.flatMap((stack) => stack.declared());
}
