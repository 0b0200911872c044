import { DescribeEndpointCommand, SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } from '@aws-sdk/client-sagemaker';
import { AwsError, Cloud } from '../cloud/types';

/** The size of one variant's fleet, as Application Auto Scaling sees and changes it: through SageMaker's API. */
export class FleetSize {
  readonly endpointName: string;
  readonly variantName: string;
  private min = 0;
  private max = Infinity;
  private ended = false;

  constructor(private readonly cloud: Cloud, readonly resourceId: string) {
    const [, endpointName, variantName] = /^endpoint\/([^/]+)\/variant\/([^/]+)$/.exec(resourceId) ?? [];
    if (endpointName === undefined) throw new AwsError('ValidationException', `The resource ID ${resourceId} is no variant of an endpoint`);
    this.endpointName = endpointName;
    this.variantName = variantName;
  }

  /** A fleet outside of the bounds is brought within at once. */
  bound(min: number, max: number): void {
    [this.min, this.max] = [min, max];
    this.cloud.clock.after(0, async () => this.enforce(), `bounds of ${this.resourceId}`);
  }

  within(count: number): number {
    return Math.min(this.max, Math.max(this.min, count));
  }

  end(): void {
    this.ended = true;
  }

  /** Undefined where it cannot be changed now. */
  async now(): Promise<number | undefined> {
    try {
      const endpoint = await this.cloud.client(SageMakerClient).send(new DescribeEndpointCommand({ EndpointName: this.endpointName }));
      const variant = endpoint.ProductionVariants?.find(({ VariantName }) => VariantName === this.variantName);
      return endpoint.EndpointStatus === 'InService' ? variant?.DesiredInstanceCount : undefined;
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Could not find endpoint')) return undefined;
      throw error;
    }
  }

  async set(DesiredInstanceCount: number): Promise<void> {
    await this.cloud.client(SageMakerClient).send(new UpdateEndpointWeightsAndCapacitiesCommand({
      EndpointName: this.endpointName, DesiredWeightsAndCapacities: [{ VariantName: this.variantName, DesiredInstanceCount }],
    }));
  }

  private async enforce(): Promise<void> {
    const size = this.ended ? undefined : await this.now();
    if (size !== undefined && this.within(size) !== size) await this.set(this.within(size));
  }
}
