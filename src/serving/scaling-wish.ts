import { Duration } from 'aws-cdk-lib';
import { EndpointAutoscaling } from './endpoint-autoscaling';

/** The owner's wish, as handlers take it. */
export interface ScalingWish {
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly invocationsPerInstance: number;
  readonly scaleInCooldownSeconds: number;
  readonly scaleOutCooldownSeconds: number;
}

export function scalingWish(autoscaling: EndpointAutoscaling): ScalingWish {
  const { minCapacity, maxCapacity, invocationsPerInstance } = autoscaling;
  const shrunk = autoscaling.scaleInCooldown ?? Duration.minutes(5);
  const grown = autoscaling.scaleOutCooldown ?? Duration.minutes(5);
  return {
    minCapacity, maxCapacity, invocationsPerInstance, scaleInCooldownSeconds: shrunk.toSeconds(), scaleOutCooldownSeconds: grown.toSeconds(),
  };
}
