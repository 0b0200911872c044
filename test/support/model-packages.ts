import {
  CreateModelPackageCommand, CreateModelPackageCommandInput, DescribeModelPackageCommand, ListModelPackagesCommand, UpdateModelPackageCommand,
} from '@aws-sdk/client-sagemaker';
import { RegistryClient } from '../../src/registry/package-registration';

type Package = CreateModelPackageCommandInput & { arn: string; created: Date };

/** A model package group that keeps what it is told: numbered packages, idempotent by client token within its memory. */
export class ModelPackages {
  readonly packages: Package[] = [];
  /** Forgets client tokens, as the service does some time after a call. */
  private tokens = new Map<string, Package>();

  constructor(private readonly now = () => new Date('2026-01-01T00:00:00Z')) {}

  forgetTokens(): void {
    this.tokens = new Map();
  }

  versions(): (string | undefined)[] {
    return this.packages.map(({ CustomerMetadataProperties: metadata }) => metadata?.version);
  }

  /** An SDK client for it. */
  get client(): RegistryClient {
    const send = async (command: object): Promise<object> => {
      await new Promise((resolve) => setImmediate(resolve));
      return this.answer(command);
    };
    return { send } as RegistryClient;
  }

  private answer(command: object): object {
    if (command instanceof CreateModelPackageCommand) return this.create(command.input);
    if (command instanceof ListModelPackagesCommand) {
      const { CreationTimeAfter: after, NextToken, MaxResults = 10 } = command.input;
      const all = this.packages.filter(({ created }) => after === undefined || created > after).reverse();
      const from = Number(NextToken ?? 0);
      return {
        ModelPackageSummaryList: all.slice(from, from + MaxResults).map(({ arn }) => ({ ModelPackageArn: arn })),
        ...(from + MaxResults < all.length ? { NextToken: String(from + MaxResults) } : {}),
      };
    }
    if (command instanceof DescribeModelPackageCommand) return this.byArn(command.input.ModelPackageName);
    if (command instanceof UpdateModelPackageCommand) {
      const { ModelPackageArn, CustomerMetadataProperties, ...rest } = command.input;
      const found = this.byArn(ModelPackageArn);
      Object.assign(found, rest, { CustomerMetadataProperties: { ...found.CustomerMetadataProperties, ...CustomerMetadataProperties } });
      return { ModelPackageArn };
    }
    throw new Error(`not played here: ${command.constructor.name}`);
  }

  private create(input: CreateModelPackageCommandInput): object {
    const known = this.tokens.get(input.ClientToken ?? '');
    if (known !== undefined) return { ModelPackageArn: known.arn };
    if (input.InferenceSpecification?.Containers?.[0]?.Image === 'missing') {
      throw Object.assign(new Error('the image does not exist'), { name: 'ValidationException' });
    }
    const made = { ...input, arn: `arn:aws:sagemaker:eu-central-1:111122223333:model-package/${input.ModelPackageGroupName}/${this.packages.length + 1}`, created: this.now() };
    this.packages.push(made);
    this.tokens.set(input.ClientToken ?? '', made);
    return { ModelPackageArn: made.arn };
  }

  private byArn(arn: string | undefined): Package {
    const found = this.packages.find((each) => each.arn === arn);
    if (found === undefined) throw Object.assign(new Error(`no model package ${arn}`), { name: 'ValidationException' });
    return found;
  }
}
