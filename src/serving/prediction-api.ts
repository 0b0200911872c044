import { Duration, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { ApiAccountLogging } from './api-account-logging';
import { firehoseOf, GroundTruthStream } from './ground-truth-stream';
import { IModelEndpoint } from './model-endpoint';
import { apiDefinition } from './prediction-api-definition';
import {
  groundTruthIntegration, groundTruthMethod, groundTruthSchema, IntegrationProps, predictionIntegration, predictionMethod,
} from './prediction-api-methods';
import { allow } from '../private/allow';
import { newLogGroup, newRole } from '../private/model-defaults';
import { ModelResources } from '../private/model-resources';
import { Problems } from '../private/problems';

/** Options of a `PredictionApi`, whatever endpoint answers. */
export interface PredictionApiOptions {
  /**
   * Decides who may call.
   *
   * @default - IAM: callers sign their requests, and need `grantPredict` or `grantSubmitGroundTruth`
   */
  readonly authorizer?: apigateway.IAuthorizer;
  /**
   * Requests a second that are let through in the long run.
   *
   * @default 100
   */
  readonly rateLimit?: number;
  /**
   * Requests that are let through at once.
   *
   * @default 200
   */
  readonly burstLimit?: number;
  /**
   * How long labels are gathered before they are written, between one and five minutes.
   *
   * @default Duration.minutes(1)
   */
  readonly labelBuffer?: Duration;
}

/** Properties of a `PredictionApi`. */
export interface PredictionApiProps extends PredictionApiOptions {
  /** The endpoint that answers. */
  readonly endpoint: IModelEndpoint;
  /**
   * Encrypts the logs. The key must let CloudWatch Logs use it.
   *
   * @default - CloudWatch Logs' own encryption
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * Whether to set the role with which API Gateway writes the logs of all APIs of this account and region.
   * Say false where that is set already, and for all but one API of an app.
   *
   * @default true
   */
  readonly manageAccountLogging?: boolean;
}

/** Properties of a `PredictionApi`. */
export interface PredictionApiProps extends PredictionApiOptions {
  /** The endpoint that answers. */
  readonly endpoint: IModelEndpoint;
}

/**
 * The prediction service: a REST API in front of a model's endpoint, without any function in between.
 *
 * - `POST /predictions` hands the body (`text/csv` or `application/json`) to the endpoint and answers what the model
 *   answers. The header `X-Inference-Id` of the answer names the prediction.
 * - `POST /ground-truth` with `{"inferenceId":"…","value":12.5}` says what turned out to be true.
 *
 * @example
 * declare const endpoint: ModelEndpoint;
 * declare const client: iam.Role;
 * const api = new PredictionApi(this, 'Api', { endpoint });
 * api.grantPredict(client);
 */
export class PredictionApi extends Construct {
  /** The API. */
  public readonly api: apigateway.IRestApi;
  /** Address of the API's stage, with a slash at its end. */
  public readonly url: string;

  constructor(scope: Construct, id: string, props: PredictionApiProps) {
    super(scope, id);
    const buffer = props.labelBuffer ?? Duration.minutes(1);
    const rateLimit = props.rateLimit ?? 100;
    const burstLimit = props.burstLimit ?? 200;
    new Problems(this)
      .check(buffer.isUnresolved() || (buffer.toSeconds() >= 60 && buffer.toSeconds() <= 300), `labelBuffer must be 1 to 5 minutes, got ${buffer.toString()}`)
      .check(rateLimit > 0, `rateLimit must be positive, got ${rateLimit}`)
      .check(burstLimit > 0, `burstLimit must be positive, got ${burstLimit}`)
      .throwIfAny();

    const model = ModelResources.of(this);
    const gateway = new iam.ServicePrincipal('apigateway.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } } });
    const role = newRole(this, 'Role', {
      assumedBy: model === undefined ? gateway : new iam.CompositePrincipal(gateway, firehoseOf(Stack.of(this))),
      description: 'The prediction API asks the endpoint and hands labels on',
    });
    props.endpoint.grantInvoke(role);
    const stream = new GroundTruthStream(this, 'GroundTruth', {
      observations: props.endpoint.observations, buffer, logKey: props.encryptionKey, role: model === undefined ? undefined : role,
    });
    allow(role, { actions: ['firehose:PutRecord'], resources: [stream.streamArn] });
    const predict = predictionIntegration(props.endpoint, role);
    const label = groundTruthIntegration(stream, role);
    // a document can name no authorizer of the CDK
    const api = model === undefined || props.authorizer !== undefined
      ? this.apiOfMethods(props, rateLimit, burstLimit, predict, label)
      : this.apiOfDefinition(props, rateLimit, burstLimit, apiDefinition(Stack.of(this), role, `Predictions of ${props.endpoint.endpointName}`, predict, label));
    this.api = api;
    this.url = api.deploymentStage.urlForPath('/');
  }

  /** Lets a principal ask for predictions. */
  public grantPredict(grantee: iam.IGrantable): iam.Grant {
    return this.grantExecute(grantee, '/predictions');
  }

  /** Lets a principal say what turned out to be true. */
  public grantSubmitGroundTruth(grantee: iam.IGrantable): iam.Grant {
    return this.grantExecute(grantee, '/ground-truth');
  }

  private grantExecute(grantee: iam.IGrantable, path: string): iam.Grant {
    return allow(grantee, {
      actions: ['execute-api:Invoke'],
      resources: [this.api.arnForExecuteApi('POST', path, this.api.deploymentStage.stageName)],
    });
  }

  private apiOfMethods(
    props: PredictionApiProps, rateLimit: number, burstLimit: number, predict: IntegrationProps, label: IntegrationProps,
  ): apigateway.RestApi {
    const api = new apigateway.RestApi(this, 'Api', this.apiProps(props, rateLimit, burstLimit));
    this.seeTo(api, props);
    const common = {
      requestValidator: api.addRequestValidator('Validator', { validateRequestBody: true, validateRequestParameters: true }),
      ...(props.authorizer === undefined ? { authorizationType: apigateway.AuthorizationType.IAM } : { authorizer: props.authorizer }),
    };
    const model = api.addModel('GroundTruthModel', { contentType: 'application/json', schema: groundTruthSchema });
    const methods = [
      api.root.addResource('predictions').addMethod('POST', new apigateway.AwsIntegration(predict), { ...predictionMethod, ...common }),
      api.root.addResource('ground-truth').addMethod('POST', new apigateway.AwsIntegration(label), {
        ...groundTruthMethod, ...common, requestModels: { 'application/json': model },
      }),
    ];
    for (const method of methods) {
      Validations.of(method).acknowledge({ id: 'AwsSolutions-COG4', reason: 'Callers are programs that sign with IAM, or pass the authorizer that was given' });
    }
    return api;
  }

  private apiOfDefinition(
    props: PredictionApiProps, rateLimit: number, burstLimit: number, definition: Record<string, unknown>,
  ): apigateway.SpecRestApi {
    const api = new apigateway.SpecRestApi(this, 'Api', {
      ...this.apiProps(props, rateLimit, burstLimit), apiDefinition: apigateway.ApiDefinition.fromInline(definition),
    });
    this.seeTo(api, props);
    Validations.of(api).acknowledge({ id: 'AwsSolutions-APIG2', reason: 'The definition of the API has a validator of bodies and parameters, for all methods' });
    return api;
  }

  private seeTo(api: apigateway.RestApiBase, props: PredictionApiProps): void {
    if (props.manageAccountLogging ?? true) api.deploymentStage.node.addDependency(new ApiAccountLogging(this, 'AccountLogging'));
    Validations.of(api.deploymentStage).acknowledge({
      id: 'AwsSolutions-APIG3',
      reason: 'Unsigned requests are refused before they cost anything and signed ones are throttled; a web ACL bills by the hour and is the account owner\'s choice',
    });
  }

  private apiProps(
    props: PredictionApiProps, throttlingRateLimit: number, throttlingBurstLimit: number,
  ): apigateway.RestApiBaseProps & { readonly endpointTypes: apigateway.EndpointType[] } {
    return {
      // a list of APIs shows their names
      restApiName: props.endpoint.endpointName,
      description: `Predictions of ${props.endpoint.endpointName}, and the truth about them`,
      endpointTypes: [apigateway.EndpointType.REGIONAL],
      cloudWatchRole: false,
      deployOptions: {
        stageName: 'live',
        accessLogDestination: new apigateway.LogGroupLogDestination(newLogGroup(this, 'AccessLog', props.encryptionKey)),
        accessLogFormat: apigateway.AccessLogFormat.jsonWithStandardFields(),
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        dataTraceEnabled: false,
        metricsEnabled: true,
        tracingEnabled: true,
        throttlingBurstLimit,
        throttlingRateLimit,
      },
    };
  }
}
