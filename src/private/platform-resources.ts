import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, IConstruct } from 'constructs';
import { HandlerPool } from './handler-pool';

const shared = new WeakMap<IConstruct, PlatformResources>();

/** What all models of a platform have in common. A model that belongs to none has it for itself. */
export class PlatformResources {
  /** What there is at a construct or above it. */
  public static of(scope: IConstruct): PlatformResources | undefined {
    return [...scope.node.scopes].reverse().map((each) => shared.get(each)).find((each) => each !== undefined);
  }

  /** The functions of the models. */
  public readonly handlers: HandlerPool;

  /** @param scope everything below it shares */
  constructor(scope: Construct, encryptionKey: kms.IKey) {
    shared.set(scope, this);
    this.handlers = new HandlerPool(scope, 'Handlers', encryptionKey);
  }
}
