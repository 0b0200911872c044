/** The network of a container, as SageMaker's requests have it. */
export interface VpcConfig {
  readonly Subnets: string[];
  readonly SecurityGroupIds: string[];
}
