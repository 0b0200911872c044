import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { allowApproving, allowReading, allowWriting } from './access/code-access';
import { Persona } from './access/persona';
import { OPERATOR_ACTIONS } from './access/viewer-actions';
import { DataLake } from './data/data-lake';
import { DataPipeline } from './data/data-pipeline';
import { DataSource } from './data/data-source';
import { allow } from './private/allow';
import { RegressionModel } from './regression-model';
import { ReleaseApproval, ReleaseHooks } from './release/release-hook';

interface Member {
  readonly persona: Persona;
  readonly grantee: iam.IGrantable;
  readonly role?: iam.IRole;
}

interface Delivered {
  readonly model: RegressionModel;
  readonly hooks?: ReleaseHooks;
}

/** Who works with what on a platform. Members, data pipelines and models come in any order. */
export class Team {
  private readonly members: Member[] = [];
  private readonly pipelines: DataPipeline[] = [];
  private readonly sources: DataSource[] = [];
  private readonly models: Delivered[] = [];

  constructor(private readonly lake: DataLake) {}

  public add(persona: Persona, grantee: iam.IGrantable, role?: iam.IRole): void {
    const member = { persona, grantee, role };
    this.members.push(member);
    this.letUseLake(member);
    this.sources.forEach((source) => letRead(member, source));
    this.pipelines.forEach((pipeline) => letStart(member, pipeline));
    this.models.forEach((delivered) => letUse(member, delivered));
  }

  public addSource(source: DataSource): void {
    this.sources.push(source);
    this.members.forEach((member) => letRead(member, source));
  }

  public addPipeline(pipeline: DataPipeline): void {
    this.pipelines.push(pipeline);
    this.members.forEach((member) => letStart(member, pipeline));
  }

  public addModel(model: RegressionModel, hooks?: ReleaseHooks): void {
    const delivered = { model, hooks };
    this.models.push(delivered);
    this.members.forEach((member) => letUse(member, delivered));
  }

  private letUseLake({ persona, grantee }: Member): void {
    const { grants } = this.lake;
    if (persona === Persona.DATA_ENGINEER) {
      grants.readSources(grantee);
      grants.writeSources(grantee);
    }
    if (persona === Persona.DATA_ENGINEER || persona === Persona.DATA_SCIENTIST) grants.queryCurated(grantee);
    if (persona === Persona.DATA_ENGINEER || persona === Persona.OPERATOR) grants.readRuns(grantee);
    if (persona === Persona.OPERATOR) {
      allow(grantee, { actions: [...OPERATOR_ACTIONS], resources: ['*'], because: 'Operators see all of the platform; each action only reads' });
    }
  }
}

function letRead({ persona, grantee }: Member, source: DataSource): void {
  if (persona === Persona.DATA_ENGINEER) source._letEngineer(grantee);
}

function letStart({ persona, grantee }: Member, { stateMachine }: DataPipeline): void {
  if (persona === Persona.DATA_ENGINEER) allow(grantee, { actions: ['states:StartExecution'], resources: [stateMachine.stateMachineArn] });
}

function letUse({ persona, grantee, role }: Member, { model, hooks }: Delivered): void {
  const repository = model.delivery.repository.codeCommitRepository;
  if (repository !== undefined) {
    // branches are pushed freely; that main is not among them says the protection
    if (persona === Persona.DATA_SCIENTIST) allowWriting(grantee, repository);
    if (persona === Persona.APPROVER) allowApproving(grantee, repository);
    if (persona === Persona.OPERATOR) allowReading(grantee, repository);
  }
  if (persona === Persona.APPROVER) {
    if (role !== undefined) model.delivery.repository.approval?.addApprover(role);
    const asked = [hooks?.beforeShadow, hooks?.beforePromotion, hooks?.afterPromotion].flatMap((some) => some ?? []);
    for (const hook of asked) if (hook instanceof ReleaseApproval) hook.grantApprove(grantee);
  }
  if (persona === Persona.OPERATOR) letReadLedger(grantee, model);
}

function letReadLedger(grantee: iam.IGrantable, { registry }: RegressionModel): void {
  const { ledger, encryptionKey } = registry;
  allow(grantee, { actions: ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'], resources: [ledger.tableArn] });
  if (encryptionKey === undefined) return;
  allow(grantee, {
    actions: ['kms:Decrypt'],
    resources: [encryptionKey.keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `dynamodb.${Stack.of(ledger).region}.amazonaws.com` } },
  });
}
