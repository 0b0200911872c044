import { Fn, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct, IConstruct } from 'constructs';
import { CalledFunction, ModelRoutes } from './event-router';
import { InlineRole } from './inline-role';
import { RETRY_POLICY } from './lost-events';
import { PlatformResources } from './platform-resources';
import { cleanName } from '../domain/release-names';

/** What a handler is about; each has a role of its own in each model. */
export enum HandlerArea {
  /** Versions, training, live accuracy: what a model is judged on. */
  EVIDENCE = 'Evidence',
  /** Staging and releases: what changes the endpoint. */
  RELEASE = 'Release',
}

const shared = new WeakMap<IConstruct, ModelResources>();

/** Events that are the model's business. */
export interface EventPattern {
  readonly source: string;
  readonly detailTypes: string[];
  readonly resources?: string[];
  readonly detail: Record<string, unknown>;
}

/** What is started again and again. */
export interface Scheduled {
  readonly description: string;
  readonly when: events.Schedule;
  /** What the start takes: `states:StartExecution` or `lambda:InvokeFunction`. */
  readonly action: string;
  readonly arn: string;
  readonly input: Record<string, unknown>;
}

/** What stands for the time of a schedule's start in its input. */
export const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

/** EventBridge puts the whole event in its place. */
const EVENT = '<aws.events.event.json>';

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
  private rule?: events.CfnRule;
  private routes: ModelRoutes = {};
  private readonly patterns: EventPattern[] = [];
  private readonly within: Construct;
  private readonly roles = new Map<HandlerArea, InlineRole>();

  /** @param scope everything below it is the model's */
  constructor(
    private readonly scope: Construct, public readonly platform: PlatformResources, encryptionKey: kms.IKey, private readonly lostEvents?: sqs.IQueue,
  ) {
    shared.set(scope, this);
    this.within = new Construct(scope, 'Common');
    this.logGroup = new logs.LogGroup(this.within, 'Logs', { encryptionKey, retention: logs.RetentionDays.ONE_YEAR, removalPolicy: RemovalPolicy.DESTROY });
  }

  /** Path of that role alone. A policy of what the role may use can name it so, which would otherwise wait for each other. */
  public get workflowPath(): string {
    return `${this.platform.rolePath}cdk-mlops-workflows/${this.scope.node.addr.slice(-12)}/`;
  }

  /** The role of all state machines of the model, and of what starts them. */
  public get workflowRole(): InlineRole {
    this.workflows ??= new InlineRole(this.within, 'WorkflowRole', {
      path: this.workflowPath,
      assumedBy: new iam.CompositePrincipal(...['states', 'events', 'scheduler'].map((service) => new iam.ServicePrincipal(`${service}.amazonaws.com`))),
      description: `State machines of ${this.scope.node.path}, and what starts them`.slice(0, 1000),
    });
    return this.workflows;
  }

  /**
   * Name of a resource of the model, of 64 characters or more. That it is known lets a role name a resource that works in
   * that role, without either waiting for the other.
   */
  public nameOf(resource: Construct, maxLength: number): string {
    const own = resource.node.path.slice(this.scope.node.path.length + 1);
    const { scope, id, addr } = this.scope.node;
    const model = cleanName([...(scope === undefined ? [] : [scope.node.id]), id].join('-'), 14);
    const name = `${this.platform.prefix}${model}-${addr.slice(-8)}-`;
    return name + cleanName(own, maxLength - name.length);
  }

  /**
   * Has events start something in the model.
   *
   * @returns the rule that sees to it
   */
  public route(routes: ModelRoutes, ...patterns: EventPattern[]): events.CfnRule {
    this.routes = { ...this.routes, ...routes };
    this.patterns.push(...patterns);
    return this.rule ??= this.newRule();
  }

  /** Has something called again and again; the rule of the model's events sees to it. */
  public periodically(when: events.Schedule, periodic: CalledFunction): events.CfnRule {
    const rule = this.route({ periodic });
    rule.scheduleExpression = when.expressionString;
    return rule;
  }

  /** Starts something of the model again and again: a bus has room for few rules, while there may be any number of schedules. */
  public schedule(scope: Construct, id: string, { description, when, action, arn, input }: Scheduled): scheduler.CfnSchedule {
    const role = this.workflowRole;
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: [action], resources: [arn] }));
    return new scheduler.CfnSchedule(scope, id, {
      description: description.slice(0, 512),
      scheduleExpression: when.expressionString,
      flexibleTimeWindow: { mode: 'OFF' },
      target: { arn, roleArn: role.roleArn, input: Stack.of(scope).toJsonString(input) },
    });
  }

  /** One rule for all events of the model: a bus has room for few. */
  private newRule(): events.CfnRule {
    const stack = Stack.of(this.scope);
    const { stateMachine } = this.platform.router;
    stateMachine.grantStartExecution(this.workflowRole);
    return new events.CfnRule(this.within, 'Events', {
      description: `What happens for ${this.scope.node.path}`.slice(0, 512),
      eventPattern: Lazy.any({
        produce: () => ({
          account: [stack.account],
          $or: this.patterns.map(({ source, detailTypes, resources, detail }) => ({
            'source': [source], 'detail-type': detailTypes, ...(resources === undefined ? {} : { resources }), detail,
          })),
        }),
      }),
      targets: [{
        id: 'Router',
        arn: stateMachine.stateMachineArn,
        roleArn: this.workflowRole.roleArn,
        retryPolicy: RETRY_POLICY,
        ...(this.lostEvents === undefined ? {} : { deadLetterConfig: { arn: this.lostEvents.queueArn } }),
        inputTransformer: { inputTemplate: Fn.join('', [`{"event":${EVENT},"model":`, Lazy.string({ produce: () => stack.toJsonString(this.routes) }), '}']) },
      }],
    });
  }

  /** The role in which the pool's functions work for this model. */
  public handlerRole(area: HandlerArea): InlineRole {
    const known = this.roles.get(area);
    if (known !== undefined) return known;
    const role = new InlineRole(this.within, `${area}Role`, {
      assumedBy: new iam.ArnPrincipal(this.platform.handlers.role.roleArn),
      path: this.platform.handlers.rolePath,
      description: `Functions at work for ${this.scope.node.path}`.slice(0, 1000),
    });
    this.roles.set(area, role);
    return role;
  }
}
