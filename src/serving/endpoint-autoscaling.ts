import { Duration } from 'aws-cdk-lib';

/**
 * How the production fleet grows and shrinks with its load. Releases register it with Application Auto Scaling, since
 * there is nothing to register before the first; a release keeps the size that the fleet has.
 */
export interface EndpointAutoscaling {
  /** The fleet never has fewer instances, at least 1. A canary needs at least 2. */
  readonly minCapacity: number;
  /** The fleet never has more instances. */
  readonly maxCapacity: number;
  /** Requests in a minute that one instance should answer, above 0: the fleet grows above it and shrinks below it. */
  readonly invocationsPerInstance: number;
  /**
   * How long the fleet is left alone after it has shrunk.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleInCooldown?: Duration;
  /**
   * How long the fleet is left alone after it has grown.
   *
   * @default Duration.minutes(5)
   */
  readonly scaleOutCooldown?: Duration;
}
