import { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct, IConstruct } from 'constructs';
import { InlineRole, REFERRING } from './inline-role';
import { PlatformResources } from './platform-resources';

/** What a handler is about; each has a role of its own in each model. */
export enum HandlerArea {
  /** Versions, training, live accuracy: what a model is judged on. */
  EVIDENCE = 'Evidence',
  /** Staging and releases: what changes the endpoint. */
  RELEASE = 'Release',
}

const shared = new WeakMap<IConstruct, ModelResources>();

/**
 * What the constructs of one model have in common, and what they use of their platform. A construct finds it above itself;
 * one that is used alone finds nothing, and makes all it needs for itself.
 */
export class ModelResources {
  /** What is shared where the construct is; undefined for one that is used alone. */
  public static of(scope: IConstruct): ModelResources | undefined {
    return [...scope.node.scopes].reverse().map((each) => shared.get(each)).find((each) => each !== undefined);
  }

  /** Where all of the model writes its logs. */
  public readonly logGroup: logs.ILogGroup;
  private workflows?: InlineRole;
  private readonly roles = new Map<HandlerArea, InlineRole>();

  /** @param scope everything below it is the model's */
  constructor(private readonly scope: Construct, public readonly platform: PlatformResources, encryptionKey: kms.IKey) {
    shared.set(scope, this);
    this.logGroup = new logs.LogGroup(scope, 'Logs', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
  }

  /** The role of all state machines of the model, and of what starts them. */
  public get workflowRole(): InlineRole {
    this.workflows ??= new InlineRole(this.scope, 'WorkflowRole', {
      assumedBy: new iam.CompositePrincipal(...['states', 'events', 'scheduler'].map((service) => new iam.ServicePrincipal(`${service}.amazonaws.com`))),
      description: `State machines of ${this.scope.node.path}, and what starts them`.slice(0, 1000),
    }, REFERRING);
    return this.workflows;
  }

  /** The role in which the pool's functions work for this model. */
  public handlerRole(area: HandlerArea): InlineRole {
    const known = this.roles.get(area);
    if (known !== undefined) return known;
    const role = new InlineRole(this.scope, `${area}Role`, {
      assumedBy: new iam.ArnPrincipal(this.platform.handlers.role.roleArn),
      path: this.platform.handlers.rolePath,
      description: `Functions at work for ${this.scope.node.path}`.slice(0, 1000),
    }, REFERRING);
    this.roles.set(area, role);
    return role;
  }
}
