import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ReconcileReleasesFunction } from './reconcile-releases-function';
import { executionsOf } from './release-recovery';
import { allow } from '../private/allow';
import { EXECUTION_STATUS } from '../private/event-router';
import { eventFor, newHandler } from '../private/handler';
import { byName } from '../private/machine-defaults';
import { HandlerArea, ModelResources } from '../private/model-resources';
import { IModelRegistry } from '../registry/model-registry';
import { grantSlot } from '../registry/slot-access';
import { IModelEndpoint } from '../serving/model-endpoint';

export interface ReleaseReconcilerProps {
  readonly registry: IModelRegistry;
  readonly endpoint: IModelEndpoint;
  /** Every state machine whose executions may hold the slot. */
  readonly holders: sfn.IStateMachine[];
  readonly recovery: sfn.IStateMachine;
  readonly rollback: sfn.IStateMachine;
  readonly eventBus: events.IEventBus;
  readonly every: Duration;
  readonly encryptionKey?: kms.IKey;
  /** The model that it belongs to; absent: rules of its own call it. */
  readonly model?: ModelResources;
}

/** How an execution ends that does not end by itself. */
export const BROKEN = ['FAILED', 'TIMED_OUT', 'ABORTED'];

/** Looks from time to time whether something should have gone on that did not, and tells of recoveries and rollbacks that failed. */
export class ReleaseReconciler extends Construct {
  constructor(scope: Construct, id: string, props: ReleaseReconcilerProps) {
    super(scope, id);
    const { registry, endpoint, holders, recovery, rollback, eventBus, every } = props;
    const scopeOfFunction = new Construct(this, 'Handler');
    const reconciler = newHandler(scopeOfFunction, ReconcileReleasesFunction, {
      area: HandlerArea.RELEASE, description: 'Goes on with releases that should have gone on and did not', encryptionKey: props.encryptionKey,
    });
    grantSlot(reconciler, registry, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query']);
    allow(reconciler, { actions: ['states:DescribeExecution'], resources: holders.map(executionsOf), because: 'Each release is an execution of its own.' });
    allow(reconciler, { actions: ['states:StartExecution'], resources: [byName(recovery).stateMachineArn] });
    allow(reconciler, { actions: ['events:PutEvents'], resources: [eventBus.eventBusArn] });

    const releases = {
      table: registry.ledger.tableName,
      model: registry.modelName,
      endpointName: endpoint.endpointName,
      eventBusName: eventBus.eventBusName,
    };
    const time = events.EventField.fromPath('$.time');
    if (props.model !== undefined) {
      this.inModel(props.model, reconciler, releases, props);
      return;
    }
    const description = `Looks whether releases of the model ${registry.modelName} go on`;
    new events.Rule(this, 'Periodic', {
      description,
      schedule: events.Schedule.rate(every),
      targets: [new targets.LambdaFunction(reconciler, {
        event: events.RuleTargetInput.fromObject({ ...releases, time, action: 'reconcile', recoveryArn: recovery.stateMachineArn, everyMinutes: every.toMinutes() }),
      })],
    });
    const tellOf = (ruleId: string, machine: sfn.IStateMachine, what: string, action: string) => new events.Rule(this, ruleId, {
      description: `Tells of ${what} of the model ${registry.modelName} that failed`,
      eventPattern: {
        source: ['aws.states'],
        detailType: [EXECUTION_STATUS],
        detail: { stateMachineArn: [machine.stateMachineArn], status: BROKEN },
      },
      targets: [new targets.LambdaFunction(reconciler, {
        event: events.RuleTargetInput.fromObject({
          ...releases,
          time,
          action,
          execution: events.EventField.fromPath('$.detail.executionArn'),
          status: events.EventField.fromPath('$.detail.status'),
        }),
      })],
    });
    tellOf('RecoveryEnded', recovery, 'recoveries', 'recoveryEnded');
    tellOf('RollbackEnded', rollback, 'rollbacks', 'rollbackEnded');
  }

  private inModel(
    model: ModelResources, reconciler: lambda.IFunction, releases: Record<string, string>, { recovery, rollback, every }: ReleaseReconcilerProps,
  ): void {
    model.periodically(events.Schedule.rate(every), {
      function: reconciler.functionArn,
      event: eventFor(reconciler, { ...releases, action: 'reconcile', recoveryArn: recovery.stateMachineArn, everyMinutes: every.toMinutes() }),
    });
    model.platform.router.calls(reconciler.functionArn);
    const told = (action: string) => ({ function: reconciler.functionArn, event: eventFor(reconciler, { ...releases, action }) });
    model.route(
      { recoveryEnded: told('recoveryEnded'), rollback: rollback.stateMachineArn, rollbackEnded: told('rollbackEnded') },
      { source: 'aws.states', detailTypes: [EXECUTION_STATUS], detail: { stateMachineArn: [recovery.stateMachineArn], status: BROKEN } },
    );
  }
}
