import { PSEUDO, Resource, Synthesized } from './templates';

/** The longest name that CloudFormation gives to a resource of a type; others get the stack's name, the logical id and twelve characters. */
const LONGEST: Record<string, number> = {
  'AWS::S3::Bucket': 63, 'AWS::IAM::Role': 64, 'AWS::Lambda::Function': 64, 'AWS::SQS::Queue': 80, 'AWS::StepFunctions::StateMachine': 80, 'AWS::Events::Rule': 64,
};
/** Where a template may name a resource itself. */
const GIVEN = ['BucketName', 'RoleName', 'FunctionName', 'QueueName', 'StateMachineName', 'RepositoryName', 'DeliveryStreamName', 'Name'];
const ARNS: Record<string, string> = {
  'AWS::S3::Bucket': 's3:::',
  'AWS::DynamoDB::Table': 'dynamodb:R:A:table/',
  'AWS::SNS::Topic': 'sns:R:A:',
  'AWS::SQS::Queue': 'sqs:R:A:',
  'AWS::Logs::LogGroup': 'logs:R:A:log-group:',
  'AWS::StepFunctions::StateMachine': 'states:R:A:stateMachine:',
  'AWS::Lambda::Function': 'lambda:R:A:function:',
  'AWS::ECR::Repository': 'ecr:R:A:repository/',
  'AWS::CodeCommit::Repository': 'codecommit:R:A:',
  'AWS::CodeBuild::Project': 'codebuild:R:A:project/',
  'AWS::KinesisFirehose::DeliveryStream': 'firehose:R:A:deliverystream/',
  'AWS::Events::Rule': 'events:R:A:rule/',
  'AWS::CloudWatch::Alarm': 'cloudwatch:R:A:alarm:',
};
/** Types whose `Ref` is their ARN. */
const REF_IS_ARN = ['AWS::SNS::Topic', 'AWS::StepFunctions::StateMachine', 'AWS::IAM::ManagedPolicy'];

/** What the templates of an app come to once they are deployed, with names as long as CloudFormation makes them. */
export class Deployed {
  /** @param stackName the name of stacks that are not nested */
  constructor(private readonly stacks: ReadonlyMap<string, Synthesized>, private readonly stackName = 'mlops-platform-production') {}

  /** Puts text in the place of references. */
  public resolve(path: string, value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.resolve(path, each));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries.length === 1 ? entries[0] as [string, unknown] : ['', undefined];
    const text = (part: unknown): string => String(this.resolve(path, part));
    if (name === 'Ref') return PSEUDO[String(argument)] ?? this.reference(path, String(argument));
    if (name === 'Fn::GetAtt') return this.reference(path, ...argument as [string, string]);
    if (name === 'Fn::Join') {
      const [delimiter, parts] = argument as [string, unknown[]];
      return parts.map(text).join(delimiter);
    }
    if (name === 'Fn::Split') {
      const [delimiter, whole] = argument as [string, unknown];
      return text(whole).split(delimiter);
    }
    if (name === 'Fn::Select') {
      const [index, list] = argument as [number, unknown];
      return (this.resolve(path, list) as string[])[Number(index)] ?? '';
    }
    if (name === 'Fn::Sub') return String(argument).replace(/\$\{(AWS::\w+)\}/g, (_, pseudo: string) => PSEUDO[pseudo]);
    return Object.fromEntries(entries.map(([key, each]) => [key, this.resolve(path, each)]));
  }

  private nameOf(path: string): string {
    const { nested } = this.stacks.get(path)!;
    return nested === undefined ? this.stackName : `${this.nameOf(nested.parent)}-${nested.logicalId}-XXXXXXXXXXXX`.slice(0, 128);
  }

  private reference(path: string, id: string, attribute?: string): unknown {
    const { template, nested } = this.stacks.get(path)!;
    const resource = template.Resources[id] as Resource | undefined;
    if (resource === undefined) {
      if (nested === undefined) return 'x'.repeat(60);
      const { Properties } = this.stacks.get(nested.parent)!.template.Resources[nested.logicalId];
      return this.resolve(nested.parent, (Properties!.Parameters as Record<string, unknown>)[id]);
    }
    if (attribute?.startsWith('Outputs.') === true) {
      const child = [...this.stacks.values()].find((each) => each.nested?.parent === path && each.nested.logicalId === id)!;
      return this.resolve(child.path, (child.template.Outputs![attribute.slice('Outputs.'.length)] as { Value: unknown }).Value);
    }
    return this.physical(path, id, resource, attribute);
  }

  private physical(path: string, id: string, { Type, Properties = {} }: Resource, attribute?: string): string {
    const key = 'k'.repeat(36);
    if (Type === 'AWS::KMS::Key') return attribute === 'Arn' ? `arn:aws:kms:${PSEUDO['AWS::Region']}:${PSEUDO['AWS::AccountId']}:key/${key}` : key;
    if (['AWS::ApiGateway::RestApi', 'AWS::EC2::VPC', 'AWS::EC2::Subnet', 'AWS::EC2::SecurityGroup'].includes(Type)) return 'i'.repeat(24);
    const given = GIVEN.map((property) => Properties[property]).find((each) => each !== undefined);
    const made = `${this.nameOf(path)}-${id}-XXXXXXXXXXXX`;
    const name = given === undefined ? made.slice(0, LONGEST[Type] ?? 128) : String(this.resolve(path, given));
    const isArn = attribute === undefined ? REF_IS_ARN.includes(Type) : /Arn$/.test(attribute);
    if (!isArn) return name;
    if (Type === 'AWS::IAM::Role') return `arn:aws:iam::${PSEUDO['AWS::AccountId']}:role${String(this.resolve(path, Properties.Path ?? '/'))}${name}`;
    const [start, end] = [ARNS[Type] ?? 'service:R:A:kind/', Type === 'AWS::Logs::LogGroup' ? ':*' : ''];
    return `arn:aws:${start.replace('R', PSEUDO['AWS::Region']).replace('A', PSEUDO['AWS::AccountId'])}${name}${end}`;
  }
}
