import { Persona } from './personas';

/** What somebody might try, in words, and who may. */
export interface Row {
  readonly say: string;
  /** Actions by service: `codepipeline: StopPipelineExecution StartPipelineExecution; events: PutRule`. */
  readonly actions: string;
  /** Who may do it to something of the platform. */
  readonly may: readonly Persona[];
  /** Who may do it to what else is in the account; undefined where that makes no difference to ask. */
  readonly elsewhere?: readonly Persona[];
  /** Whether even an administrator whom no document of the organization binds is kept from it, because the resource itself says so. */
  readonly bindsAll?: boolean;
  /** Whether the platform itself and deployments are kept from it too. */
  readonly bindsPlatform?: boolean;
  /** Which of the platform's resources are meant, by logical id. */
  readonly only?: RegExp;
  /** Whose stack is meant: the first model's, or the second's. */
  readonly model?: 1 | 2;
  /** Resources that no template declares, in place of the platform's. */
  readonly on?: readonly string[];
  /** Whether it is asked where an app has notebooks only, or only where it has none. */
  readonly notebooks?: boolean;
  /** Objects of buckets that are meant. */
  readonly key?: string;
  /** What the service adds to the request; undefined where it adds nothing. */
  readonly context?: Readonly<Record<string, string | undefined>>;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Nobody at all. */
export const NOBODY: readonly Persona[] = [];
/** Those who have AdministratorAccess, each kept from the platform by other means. */
export const POWERFUL: readonly Persona[] = ['teammate', 'bounded', 'administrator'];

/** What the role for emergencies repairs with, whatever it is that broke. */
const REPAIRS: ReadonlySet<string> = new Set(actionsOf({
  actions: `codepipeline: StartPipelineExecution StopPipelineExecution RetryStageExecution EnableStageTransition; codebuild: StopBuild RetryBuild;
    states: StartExecution StopExecution RedriveExecution; sagemaker: StopTrainingJob StopProcessingJob UpdateEndpoint UpdateEndpointWeightsAndCapacities;
    glue: BatchStopJobRun; events: EnableRule; cloudwatch: EnableAlarmActions; sqs: ReceiveMessage DeleteMessage;
    cloudformation: CancelUpdateStack ContinueUpdateRollback RollbackStack`,
}));

/** Whether a row says that a persona may. Administrators alone may all that resources do not forbid themselves. */
export function mayBy(row: Row, where: 'platform' | 'elsewhere', persona: Persona, action: string): boolean {
  if (persona === 'breakGlass' && REPAIRS.has(action)) return true;
  if (persona === 'unbound') return where === 'elsewhere' || row.bindsAll !== true;
  return (where === 'platform' ? row.may : row.elsewhere ?? []).includes(persona);
}

/** The full names of a row's actions. */
export function actionsOf({ actions }: Pick<Row, 'actions'>): string[] {
  return actions.split(';').flatMap((part) => {
    const [service, names] = part.split(': ');
    return names.trim().split(/\s+/).map((name) => `${service.trim()}:${name}`);
  });
}

/** What a service adds to requests whatever row they belong to: each as the attempt would be made that does most harm. */
export const CONTEXTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'events:PutEvents': { 'events:source': 'cdk-mlops', 'events:detail-type': 'ModelVersionStageChanged' },
  'lambda:InvokeFunction': { 'lambda:InvokedViaFunctionUrl': 'false' },
  'kms:CreateGrant': { 'kms:GrantIsForAWSResource': 'false' },
  'iam:PassRole': { 'iam:PassedToService': 'lambda.amazonaws.com' },
  ...Object.fromEntries([
    'GitPush', 'CreateCommit', 'PutFile', 'DeleteFile', 'CreateBranch', 'DeleteBranch', 'MergeBranchesByFastForward', 'MergeBranchesBySquash',
    'MergeBranchesByThreeWay', 'MergePullRequestByFastForward', 'MergePullRequestBySquash', 'MergePullRequestByThreeWay',
  ].map((name) => [`codecommit:${name}`, { 'codecommit:References': 'refs/heads/main' }])),
};
