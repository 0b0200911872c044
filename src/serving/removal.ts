import { CfnResource } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { IConstruct } from 'constructs';
import { IModelEndpoint, ModelEndpoint } from './model-endpoint';

/**
 * Lets the deletion of the stack stop state machines that change the endpoint, after the rules and schedules below `starters`
 * are gone. Of an endpoint that was imported nothing is removed.
 */
export function stopOnRemoval(endpoint: IModelEndpoint, machines: sfn.IStateMachine[], starters?: IConstruct): void {
  if (!(endpoint instanceof ModelEndpoint)) return;
  const below = starters?.node.findAll() ?? [];
  endpoint._stopOnRemoval(machines, below.filter((child): child is CfnResource => child instanceof CfnRule || child instanceof CfnSchedule));
}
