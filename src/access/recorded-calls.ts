import { ProtectedActions } from './protected-actions';

/** What CloudTrail calls the calls that an action of IAM lets, where the name is another, or where it records none. */
const RECORDED: Readonly<Record<string, readonly string[]>> = {
  'apigateway:DELETE': ['DeleteDeployment', 'DeleteMethod', 'DeleteResource', 'DeleteRestApi', 'DeleteStage'],
  'apigateway:PATCH': ['UpdateAccount', 'UpdateDeployment', 'UpdateIntegration', 'UpdateMethod', 'UpdateRestApi', 'UpdateStage'],
  'apigateway:POST': ['CreateDeployment'],
  'apigateway:PUT': ['PutIntegration', 'PutMethod', 'PutRestApi'],
  'apigateway:SetWebACL': [],
  'apigateway:UpdateRestApiPolicy': [],
  'codebuild:BatchPutCodeCoverages': [],
  'codebuild:BatchPutTestCases': [],
  'codebuild:CreateReport': [],
  'codebuild:UpdateReport': [],
  'dynamodb:PartiQLDelete': ['BatchExecuteStatement', 'ExecuteStatement', 'ExecuteTransaction'],
  'dynamodb:PartiQLInsert': [],
  'dynamodb:PartiQLUpdate': [],
  'dynamodb:PutItem': ['PutItem', 'TransactWriteItems'],
  'events:PutEvents': [],
  'execute-api:Invoke': [],
  'firehose:PutRecord': [],
  'firehose:PutRecordBatch': [],
  // told by the error of the call that would have passed the role
  'iam:PassRole': [],
  'lambda:InvokeFunction': ['Invoke'],
  'logs:PutLogEvents': [],
  's3:BypassGovernanceRetention': [],
  's3:DeleteObject': ['DeleteObject', 'DeleteObjects'],
  's3:DeleteObjectVersion': [],
  's3:DeleteObjectVersionTagging': [],
  's3:PutEncryptionConfiguration': ['PutBucketEncryption', 'DeleteBucketEncryption'],
  's3:PutLifecycleConfiguration': ['PutBucketLifecycle', 'DeleteBucketLifecycle'],
  's3:PutBucketTagging': ['PutBucketTagging', 'DeleteBucketTagging'],
  's3:PutObject': ['PutObject', 'CopyObject', 'CreateMultipartUpload', 'CompleteMultipartUpload'],
  's3:PutObjectVersionTagging': [],
  's3:PutReplicationConfiguration': ['PutBucketReplication', 'DeleteBucketReplication'],
  'sagemaker:InvokeEndpoint': [],
  'sagemaker:InvokeEndpointAsync': [],
  'sqs:ChangeMessageVisibility': [],
  'sts:TagSession': [],
};

/** Names that CloudTrail gives the calls of an action; of Lambda's management calls a date follows. */
export function recordedAs(service: string, action: string): readonly string[] {
  return RECORDED[`${service}:${action}`] ?? [action];
}

/** The action of a set that a recorded call is of, by the name that CloudTrail gave it. */
export function actionOf({ service, actions }: ProtectedActions, eventName: string): string | undefined {
  return actions.find((action) => recordedAs(service, action).includes(eventName));
}

/** The names that CloudTrail gives the calls of a set. */
export function recordedNames({ service, actions }: ProtectedActions): string[] {
  return [...new Set(actions.flatMap((action) => recordedAs(service, action)))];
}
