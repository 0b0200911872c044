import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { handlerDefaults, HandlerOptions } from './handler-defaults';
import { HandlerClass } from './handler-pool';
import { InlineRole } from './inline-role';
import { HandlerArea, ModelResources } from './model-resources';

export interface NewHandlerOptions extends HandlerOptions {
  /** Which of its model's roles it works in, where models share functions. */
  readonly area: HandlerArea;
  /** Id of the function's construct; absent: `Function`. */
  readonly functionId?: string;
}

/** The function that models share. */
const pooled = new WeakMap<lambda.IFunction, lambda.Function>();
/** What an event tells it: for which of them it works. */
const forModel = new WeakMap<lambda.IFunction, object>();

/**
 * The function of a handler. In a platform it is the one that all models share, with a role of this model: rights that are
 * granted to it are that role's. Elsewhere it is a function of its own, with a role and a log group of its own.
 *
 * @param scope a namespace construct that holds nothing but the function
 */
export function newHandler(scope: Construct, type: HandlerClass, options: NewHandlerOptions): lambda.IFunction {
  const { area, functionId = 'Function', environment: settings, ...defaults } = options;
  const model = ModelResources.of(scope);
  if (model === undefined) return new type(scope, functionId, handlerDefaults(scope, { ...defaults, environment: settings }));
  const { arn: functionArn, made } = model.platform.handlers.use(type, defaults);
  const role = model.handlerRole(area);
  const handler = lambda.Function.fromFunctionAttributes(scope, functionId, {
    functionArn, role, sameEnvironment: true, architecture: lambda.Architecture.ARM_64,
  });
  // there are no versions to be called, and the policy of the model's workflows is short of room
  handler.resourceArnsForGrantInvoke.splice(1);
  pooled.set(handler, made);
  forModel.set(handler, { role: role.roleArn, ...(settings === undefined ? {} : { settings }) });
  return handler;
}

/**
 * The function of a handler that others may be let to call, and hence one of its own in each model: who calls a shared one
 * says for which model it works. It works in the model's role.
 */
export function ownHandler(scope: Construct, type: HandlerClass, options: NewHandlerOptions): lambda.Function {
  const { area, functionId = 'Function', ...defaults } = options;
  const model = ModelResources.of(scope);
  if (model === undefined) return new type(scope, functionId, handlerDefaults(scope, defaults));
  const { logGroup } = model;
  const role = model.handlerRole(area);
  role.assumeRolePolicy?.addStatements(new iam.PolicyStatement({ actions: ['sts:AssumeRole'], principals: [new iam.ServicePrincipal('lambda.amazonaws.com')] }));
  logGroup.grantWrite(role);
  return new type(scope, functionId, handlerDefaults(scope, defaults, { role, logGroup }));
}

/** The event with which a handler is called: a shared function has to be told for which model. */
export function eventFor(handler: lambda.IFunction, event: Record<string, unknown>): Record<string, unknown> {
  const told = forModel.get(handler);
  return told === undefined ? event : { ...event, forModel: told };
}

/** The properties of a custom resource, with which its handler is called. */
export function propertiesFor(handler: lambda.IFunction, properties: Record<string, unknown>): Record<string, unknown> {
  const role = forModel.has(handler) ? handler.role?.roleArn : undefined;
  return role === undefined ? properties : { ...properties, ForModelRole: role };
}

/** Has a handler there, and what it may do, as long as a resource that calls it. */
export function neededBy(handler: lambda.IFunction, resource: Construct): void {
  const made = pooled.get(handler);
  if (made !== undefined) resource.node.addDependency(made);
  if (handler.role instanceof InlineRole) resource.node.addDependency(handler.role);
}
