import { ArnFormat, Duration, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudtrail from 'aws-cdk-lib/aws-cloudtrail';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { logAccess, newAccessLogs } from '../private/access-logs';
import { encryptedBucket } from '../private/encrypted-bucket';

/** What the trail records beside calls that manage something. */
export interface RecordedData {
  readonly bucketArns: readonly string[];
  readonly tableArns: readonly string[];
  /** How the names of the platform's functions begin. */
  readonly functionPrefix?: string;
}

export interface TamperTrailProps {
  readonly recorded: () => RecordedData;
  /** The function that is invoked for what is recorded: its own invocations must not be. */
  readonly reporterArn: string;
  readonly encryptionKey?: kms.IKey;
}

/** Of the 500 values that the selectors of a trail may have together. */
const MOST_RECORDED = 480;

type Selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty;
type Fields = cloudtrail.CfnTrail.AdvancedFieldSelectorProperty[];

/** Hands the calls that change something to EventBridge: those that manage, and those that write what is protected. */
export class TamperTrail {
  public readonly bucket: s3.IBucket;

  constructor(scope: Construct, props: TamperTrailProps) {
    const { encryptionKey } = props;
    if (encryptionKey !== undefined) letTrailsUse(scope, encryptionKey);
    const bucket = new s3.Bucket(scope, 'TrailBucket', {
      ...encryptedBucket(encryptionKey),
      lifecycleRules: [{ id: 'a-year', expiration: Duration.days(365), noncurrentVersionExpiration: Duration.days(30) }],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.bucket = bucket;
    logAccess(bucket, newAccessLogs(scope, RemovalPolicy.RETAIN));
    const trail = new cloudtrail.Trail(scope, 'Trail', {
      bucket, encryptionKey, enableFileValidation: true, isMultiRegionTrail: true, includeGlobalServiceEvents: true,
    });
    const resource = trail.node.defaultChild as cloudtrail.CfnTrail;
    // a trail takes either kind of selectors
    resource.eventSelectors = undefined;
    resource.advancedEventSelectors = Lazy.any({ produce: () => selectors(scope, props) });
    scope.node.addValidation({
      validate: () => {
        const { bucketArns, tableArns } = props.recorded();
        const recorded = bucketArns.length + tableArns.length;
        return recorded <= MOST_RECORDED ? [] : [`a trail records what is written to at most ${MOST_RECORDED} buckets and tables, here ${recorded} are protected: `
          + 'put some of the models onto a second platform in a stack of its own, or say recordDataEvents: false'];
      },
    });
  }
}

/** Lets the trails of this account use the key. */
function letTrailsUse(scope: Construct, key: kms.IKey): void {
  const { partition, account } = Stack.of(scope);
  key.addToResourcePolicy(new iam.PolicyStatement({
    sid: 'CloudTrail',
    principals: [new iam.ServicePrincipal('cloudtrail.amazonaws.com')],
    actions: ['kms:DescribeKey', 'kms:GenerateDataKey*'],
    resources: ['*'],
    conditions: { ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudtrail:*:${account}:trail/*` } },
  }));
}

function selectors(scope: Construct, { recorded, reporterArn }: TamperTrailProps): Selector[] {
  const { bucketArns, tableArns, functionPrefix } = recorded();
  const functions = functionPrefix === undefined ? undefined
    : Stack.of(scope).formatArn({ service: 'lambda', resource: 'function', resourceName: functionPrefix, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  const writes = (name: string, type: string, ...where: Fields): Selector => ({
    name,
    fieldSelectors: [
      { field: 'eventCategory', equalTo: ['Data'] },
      { field: 'resources.type', equalTo: [type] },
      { field: 'readOnly', equalTo: ['false'] },
      ...where,
    ],
  });
  return [
    { name: 'Management', fieldSelectors: [{ field: 'eventCategory', equalTo: ['Management'] }] },
    ...bucketArns.length === 0 ? [] : [writes('Objects', 'AWS::S3::Object', { field: 'resources.ARN', startsWith: bucketArns.map((arn) => `${arn}/`) })],
    ...tableArns.length === 0 ? [] : [writes('Items', 'AWS::DynamoDB::Table', { field: 'resources.ARN', equalTo: [...tableArns] })],
    ...functions === undefined ? [] : [writes('Invocations', 'AWS::Lambda::Function', { field: 'resources.ARN', startsWith: [functions], notEquals: [reporterArn] })],
  ];
}
