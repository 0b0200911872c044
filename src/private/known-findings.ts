import { CfnResource, IAspect, Validations } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

interface KnownFinding {
  /** Names of the same finding in cdk-nag's NIST 800-53 r5. */
  readonly nag: readonly string[];
  /** Names of the same finding in checkov. */
  readonly checkov: readonly string[];
  readonly reason: string;
  /** Which resources of the type it is true of; all, where it is not given. */
  readonly where?: (resource: CfnResource) => boolean;
}

const inlinePolicies: KnownFinding = {
  nag: ['IAMNoInlinePolicy'],
  checkov: [],
  reason: 'What one role of the platform may do is of no use to another: the policy lives and dies with its role, and cannot be attached to anybody else',
};

const isBoundary = ({ node }: CfnResource): boolean => /\/Protection\/Boundary(\/|$)/.test(node.path);
const holdsAccessLogs = ({ node }: CfnResource): boolean => node.path.includes('/AccessLogs/');
const isRebuilt = ({ node }: CfnResource): boolean => /\/(Delivery\/Artifacts|Models\/PipelineFiles)\/Resource$/.test(node.path);

/**
 * What scanners find of each resource of a type, and why it is so on purpose. What can be answered by a change is
 * changed instead; what is true of one resource alone is acknowledged where that is made.
 */
const KNOWN: Readonly<Record<string, readonly KnownFinding[]>> = {
  'AWS::Lambda::Function': [
    {
      nag: ['LambdaConcurrency'],
      checkov: ['CKV_AWS_115'],
      reason: 'Called by the platform alone, a few times in a release; a reserved share would be taken from the functions of the whole account',
    },
    {
      nag: ['LambdaDLQ'],
      checkov: ['CKV_AWS_116'],
      reason: 'State machines and deployments wait for its answer, see it fail, and try again; where an event calls it, the rule tries again',
    },
    {
      nag: ['LambdaInsideVPC'],
      checkov: ['CKV_AWS_117'],
      reason: 'It calls nothing but AWS APIs, signed and over TLS; a VPC would add an interface endpoint for each of them and protect nothing more',
    },
  ],
  'AWS::IAM::Policy': [inlinePolicies],
  'AWS::IAM::Role': [inlinePolicies],
  'AWS::IAM::ManagedPolicy': [{
    nag: [],
    checkov: ['CKV_AWS_107', 'CKV_AWS_108', 'CKV_AWS_109', 'CKV_AWS_110', 'CKV_AWS_111'],
    reason: 'A permissions boundary gives nobody anything: it is what remains of the rights that a role has from elsewhere',
    where: isBoundary,
  }],
  'AWS::S3::Bucket': [
    {
      nag: ['S3BucketReplicationEnabled'],
      checkov: [],
      reason: 'Objects are kept in versions, in three zones; whether a copy goes to another region is decided for an account, not for one platform in it',
    },
    {
      nag: ['S3DefaultEncryptionKMS'],
      checkov: [],
      reason: 'S3 delivers server access logs only to buckets that S3-managed keys encrypt',
      where: holdsAccessLogs,
    },
    { nag: [], checkov: ['CKV_AWS_18'], reason: 'It holds the access logs of the others: logging its own would never end', where: holdsAccessLogs },
    {
      nag: ['S3BucketLoggingEnabled'],
      checkov: ['CKV_AWS_18'],
      reason: 'It holds copies of commits for 30 days while a pipeline passes them on; who has touched the repository is in CloudTrail',
      where: isRebuilt,
    },
  ],
  'AWS::CloudTrail::Trail': [{
    nag: ['CloudTrailCloudWatchLogsEnabled'],
    checkov: [],
    reason: 'EventBridge gets its events at once, and tells of those that matter; a second copy in CloudWatch Logs would be paid by the gigabyte',
  }],
  'AWS::ECR::Repository': [{ nag: [], checkov: ['CKV_AWS_32'], reason: 'The statement of its policy that speaks of everybody denies' }],
  'AWS::Glue::SecurityConfiguration': [{
    nag: [],
    checkov: ['CKV_AWS_99'],
    reason: 'What a job writes is encrypted by the key of the bucket that it writes to; one key for all would mix the source zone with the curated zone',
  }],
  'AWS::DynamoDB::Table': [{
    nag: ['DynamoDBInBackupPlan'],
    checkov: [],
    reason: 'The table can be restored to any second of the last 35 days; AWS Backup plans belong to the account',
  }],
  'AWS::ApiGateway::Stage': [
    {
      nag: ['APIGWAssociatedWithWAF'],
      checkov: [],
      reason: 'Every request is signed with IAM or passes the authorizer that was given; a web ACL costs by the month and can be associated with the stage',
    },
    { nag: ['APIGWCacheEnabledAndEncrypted'], checkov: ['CKV_AWS_120'], reason: 'A prediction belongs to its request and is captured with it: an answer from a cache would be in no count' },
    { nag: ['APIGWSSLEnabled'], checkov: [], reason: 'Behind the stage are AWS services, called with the signature of a role: there is no server that could check a certificate' },
  ],
};

/** Says of each resource, on the resource itself, why what scanners find of it is so on purpose. */
export class AcknowledgeKnownFindings implements IAspect {
  public visit(node: IConstruct): void {
    if (!CfnResource.isCfnResource(node)) return;
    const known = (KNOWN[node.cfnResourceType] ?? []).filter(({ where }) => where?.(node) ?? true);
    for (const { nag, reason } of known) {
      for (const name of nag) Validations.of(node).acknowledge({ id: `NIST.800.53.R5-${name}`, reason });
    }
    const skip = known.flatMap(({ checkov, reason }) => checkov.map((id) => ({ id, comment: reason })));
    if (skip.length > 0) node.addMetadata('checkov', { skip });
  }
}
