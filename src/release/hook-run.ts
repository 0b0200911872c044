import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { HookPoint } from '../domain/release-hook';
import { IModelRegistry } from '../registry/model-registry';

/** Where a hook is asked: one place within the steps of a release. */
export interface HookRun {
  /** Where states go, and what a hook needs beside them. */
  readonly steps: Construct;
  /** Unique within the release, for names of states. */
  readonly id: string;
  readonly at: HookPoint;
  readonly registry: IModelRegistry;
  readonly eventBus: events.IEventBus;
  readonly encryptionKey?: kms.IKey;
  /** Keeps what hooks say, and the questions to approvers. */
  readonly keeper: lambda.IFunction;
  /** What the keeper is told each time: which hook of which version it is. */
  readonly payload: Record<string, unknown>;
  /** Goes on with the answer at `$.asked.answer`. */
  readonly answered: sfn.IChainable;
  /** Goes on with the outcome at `$.judged`. */
  readonly decided: sfn.IChainable;
  /** Makes the state that goes on without an answer, the error being at `$.unanswered`: for hooks that can fail. */
  readonly failed: () => sfn.IChainable;
  /** The machinery itself has failed, the error being at `$.failure`. */
  readonly broken: sfn.IChainable;
}
