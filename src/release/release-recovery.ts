import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { CanaryRelease } from './canary-release';
import { grantSlot } from './ledger-access';
import { RecoverReleaseFunction } from './recover-release-function';
import { freeing, lifecycle } from './release-steps';
import { MlopsEventType } from '../domain/events';
import { allow } from '../private/allow';
import { handlerDefaults } from '../private/handler-defaults';
import { IModelRegistry } from '../registry/model-registry';
import { DeployFunction } from '../staging/deploy-function';
import { ShadowStaging } from '../staging/shadow-staging';
import { alarmArns, announce, grantCreating, grantDeploying, grantRemovingStaging, invoke, waitForEndpoint, workflowMachine } from '../staging/workflow';

export interface ReleaseRecoveryProps {
  readonly registry: IModelRegistry;
  readonly staging: ShadowStaging;
  readonly release: CanaryRelease;
  readonly slot: lambda.IFunction;
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
}

const path = sfn.JsonPath;
const ON_ERROR = { errors: ['States.ALL'], resultPath: '$.failure' };

/** Undoes what a release left behind that did not end by itself: every step may be repeated, and so may the whole. */
export class ReleaseRecovery extends Construct {
  public readonly stateMachine: sfn.StateMachine;

  constructor(scope: Construct, id: string, private readonly props: ReleaseRecoveryProps) {
    super(scope, id);
    const { registry, release } = props;
    const deployer = this.handler('Deployer', DeployFunction, 'Puts an endpoint back on its last good config');
    const recoverer = this.handler('Recoverer', RecoverReleaseFunction, 'Finds out what a broken release left behind, and stops it');
    grantDeploying(deployer, release.endpoint);
    grantCreating(deployer, release.endpoint);
    grantRemovingStaging(deployer, release.endpoint);
    grantSlot(recoverer, registry, ['dynamodb:GetItem']);
    allow(recoverer, { actions: ['sagemaker:DescribeEndpoint'], resources: [release.endpoint.endpointArn] });
    const stack = Stack.of(this);
    allow(recoverer, {
      actions: ['states:StopExecution'],
      resources: [props.staging, release].map(({ stateMachine }) => stack.formatArn({
        service: 'states', resource: 'execution', resourceName: `${executionsOf(stateMachine)}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      })),
      because: 'Each release is an execution of its own.',
    });
    allow(recoverer, {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: [stack.formatArn({ service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME })],
      because: 'cloudwatch:DescribeAlarms answers only those who may describe all alarms.',
    });
    allow(recoverer, {
      actions: ['cloudwatch:DeleteAlarms'], resources: alarmArns(release.endpoint), because: 'Each release has alarms of its own, named after the endpoint.',
    });
    this.stateMachine = workflowMachine(this, {
      start: this.steps(deployer, recoverer),
      comment: `Recovers releases of the model ${registry.modelName} that did not end by themselves`,
      encryptionKey: props.encryptionKey,
      functions: [deployer, recoverer, props.slot, registry.lifecycle],
    });
  }

  private steps(deployer: lambda.IFunction, recoverer: lambda.IFunction): sfn.IChainable {
    const { registry, staging, release, slot, eventBus } = this.props;
    const { endpoint } = release;
    const steps = new Construct(this, 'Steps');
    const failed = new sfn.Fail(steps, 'RecoveryFailed', { errorPath: '$.failure.Error', causePath: '$.failure.Cause' });
    const step = (id: string, handler: lambda.IFunction, payload: Record<string, unknown>, result?: string) =>
      invoke(steps, id, handler, payload, result).addCatch(failed, ON_ERROR);

    const free = freeing(steps, { slot, registry, eventBus, execution: '$.execution', then: new sfn.Succeed(steps, 'Recovered'), onFailure: failed });
    const conclude = step('Conclude', slot, {
      action: 'takenBack',
      table: registry.ledger.tableName,
      endpointName: endpoint.endpointName,
      execution: path.stringAt('$.execution'),
      time: path.stringAt('$$.State.EnteredTime'),
      reason: path.stringAt('$.wreck.reason'),
    }, '$.concluded');
    conclude.next(announce(steps, 'TellRolledBack', MlopsEventType.RELEASE_ROLLED_BACK, sfn.TaskInput.fromJsonPathAt('$.concluded.event'), free, eventBus));
    const reject = lifecycle(steps, 'Reject', registry, {
      version: path.stringAt('$.wreck.version'), stage: 'Rejected', reason: path.stringAt('$.wreck.reason'), fence: null,
    }).addCatch(failed, ON_ERROR);
    const restored = lifecycle(steps, 'EnterProductionAgain', registry, {
      version: path.stringAt('$.wreck.restored'), stage: 'Production', reason: path.format('back in production: {}', path.stringAt('$.wreck.reason')), fence: null,
    }).addCatch(failed, ON_ERROR);
    restored.next(conclude);
    reject.next(new sfn.Choice(steps, 'IsInProductionAgain').when(sfn.Condition.isString('$.wreck.restored'), restored).otherwise(conclude));

    // what is left over costs little: it must not keep the endpoint's owner from releasing
    const tidy = this.tidying(steps, deployer, recoverer, reject);
    const lost = new sfn.Pass(steps, 'NotRestored', {
      parameters: {
        Error: 'NotRestored',
        Cause: path.format('the endpoint is {} on {} and could not be put back on {}', path.stringAt('$.endpoint.EndpointStatus'),
          path.stringAt('$.endpoint.EndpointConfigName'), path.stringAt('$.wreck.lastGood')),
      },
      resultPath: '$.failure',
    });
    lost.next(failed);
    const restore = step('RestoreLastGood', deployer, {
      action: 'updateEndpoint',
      endpointName: endpoint.endpointName,
      configName: path.stringAt('$.wreck.lastGood'),
      onlyFrom: path.array(path.stringAt('$.wreck.shadowConfig'), path.stringAt('$.wreck.releaseConfig')),
    }, '$.restored');
    restore.next(waitForEndpoint(steps, 'LastGood', { endpoint, wanted: '$.restored.configName', arrived: tidy, elsewhere: lost, broken: lost, failed }));
    const remove = step('RemoveEndpoint', deployer, { action: 'remove', endpointName: endpoint.endpointName });
    remove.next(tidy);

    const stop = step('StopChildren', recoverer, { action: 'stop', executions: path.listAt('$.wreck.executions'), reason: path.stringAt('$.wreck.reason') });
    stop.next(new sfn.Choice(steps, 'HasLastGood').when(sfn.Condition.isString('$.wreck.lastGood'), restore).otherwise(remove));

    const inspect = step('Inspect', recoverer, {
      action: 'inspect',
      table: registry.ledger.tableName,
      endpointName: endpoint.endpointName,
      execution: path.stringAt('$.execution'),
      reason: path.stringAt('$.reason'),
      stagingMachineArn: staging.stateMachine.stateMachineArn,
      releaseMachineArn: release.stateMachine.stateMachineArn,
    }, '$.wreck');
    return inspect.next(new sfn.Choice(steps, 'WhatIsLeft')
      .when(sfn.Condition.stringEquals('$.wreck.status', 'broken'), stop)
      .when(sfn.Condition.stringEquals('$.wreck.status', 'concluded'), free)
      .otherwise(new sfn.Succeed(steps, 'NothingToRecover')));
  }

  /** Removes alarms, the staging endpoint, configs and models of the broken release, as far as it goes. */
  private tidying(steps: Construct, deployer: lambda.IFunction, recoverer: lambda.IFunction, next: sfn.IChainable): sfn.State {
    const unlessServedBy = this.props.release.endpoint.endpointName;
    const ignored = { errors: ['States.ALL'], resultPath: path.DISCARD };
    const release = invoke(steps, 'RemoveRelease', deployer, {
      action: 'remove', unlessServedBy, configName: path.stringAt('$.wreck.releaseConfig'), modelName: path.stringAt('$.wreck.releaseModel'),
    }).addCatch(next, ignored);
    release.next(next);
    const shadow = invoke(steps, 'RemoveShadow', deployer, {
      action: 'remove', unlessServedBy, configName: path.stringAt('$.wreck.shadowConfig'), modelName: path.stringAt('$.wreck.shadowModel'),
    }).addCatch(release, ignored);
    shadow.next(release);
    const stagingName = path.stringAt('$.wreck.stagingEndpoint');
    const staging = invoke(steps, 'RemoveStaging', deployer, {
      action: 'remove', endpointName: stagingName, configName: stagingName, untilGone: true,
    }).addCatch(shadow, ignored);
    staging.next(shadow);
    const alarms = invoke(steps, 'RemoveAlarms', recoverer, { action: 'clean', alarmNames: path.listAt('$.wreck.alarmNames') }).addCatch(staging, ignored);
    alarms.next(staging);
    return alarms;
  }

  private handler<T extends lambda.Function>(
    id: string, type: new (scope: Construct, id: string, props: lambda.FunctionOptions) => T, description: string,
  ): T {
    const scope = new Construct(this, id);
    return new type(scope, 'Function', handlerDefaults(scope, { description, encryptionKey: this.props.encryptionKey, timeout: Duration.minutes(2) }));
  }
}

/** The part of an ARN that names all executions of a state machine. */
function executionsOf(machine: sfn.IStateMachine): string {
  return Stack.of(machine).splitArn(machine.stateMachineArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? '*';
}
