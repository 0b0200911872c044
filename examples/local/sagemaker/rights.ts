import { Cloud, Json, JsonObject } from '../cloud/types';

type Need = readonly [action: string, resourceArn: string, context?: Record<string, string>];

/**
 * What SageMaker does as a job's or model's execution role, checked by the assembly's policies. Each answers in AWS's words
 * what is denied, or undefined.
 */
export class Rights {
  private readonly context = { 'aws:SecureTransport': 'true' };
  private readonly ours: boolean;

  constructor(private readonly cloud: Cloud, private readonly roleArn: string) {
    // A role from elsewhere (imported by name or ARN) has no policies here and is believed.
    this.ours = [...cloud.resources.values()].some(({ resource, deployed }) =>
      resource.type === 'AWS::IAM::Role' && deployed.attributes.Arn === roleArn);
  }

  denied(...needs: Need[]): string | undefined {
    if (!this.ours) return undefined;
    const need = needs.find(([action, arn, context]) => !this.cloud.decide(this.roleArn, action, arn, { ...this.context, ...context }).allowed);
    return need && `User: ${this.roleArn} is not authorized to perform: ${need[0]} on resource: ${need[1]}`;
  }

  list(bucket: string, prefix: string): string | undefined {
    return this.denied(['s3:ListBucket', this.s3(bucket), { 's3:prefix': prefix }]);
  }

  read(bucket: string, key: string): string | undefined {
    return this.denied(['s3:GetObject', this.s3(`${bucket}/${key}`)], ...this.key(bucket, 'kms:Decrypt'));
  }

  write(bucket: string, key: string): string | undefined {
    return this.denied(['s3:PutObject', this.s3(`${bucket}/${key}`)], ...this.key(bucket, 'kms:GenerateDataKey'));
  }

  pull(image: string): string | undefined {
    const match = /^(\d+)\.dkr\.ecr\.([^.]+)\.[^/]+\/([^:@]+)/.exec(image);
    if (match === null) return undefined;
    const repository = `arn:${this.cloud.partition}:ecr:${match[2]}:${match[1]}:repository/${match[3]}`;
    return this.denied(['ecr:GetAuthorizationToken', '*'], ['ecr:BatchGetImage', repository], ['ecr:GetDownloadUrlForLayer', repository]);
  }

  private s3(path: string): string {
    return `arn:${this.cloud.partition}:s3:::${path}`;
  }

  /** The key that the bucket encrypts with, where it has one of its own. */
  private key(bucket: string, action: string): Need[] {
    const found = [...this.cloud.resources.values()].find(({ resource, deployed }) => resource.type === 'AWS::S3::Bucket' && deployed.ref === bucket);
    const id = keyOf(found?.resource.properties.BucketEncryption);
    if (id === undefined) return [];
    const key = [...this.cloud.resources.values()].find(({ resource, deployed }) => resource.type === 'AWS::KMS::Key' && deployed.ref === id);
    const via = { 'kms:ViaService': `s3.${this.cloud.region}.amazonaws.com`, 'kms:CallerAccount': this.cloud.account };
    return [[action, key?.deployed.attributes.Arn ?? id, via]];
  }
}

function keyOf(encryption: Json | undefined): string | undefined {
  const rules = (encryption as JsonObject | undefined)?.ServerSideEncryptionConfiguration as JsonObject[] | undefined;
  const id = (rules?.[0]?.ServerSideEncryptionByDefault as JsonObject | undefined)?.KMSMasterKeyID;
  return typeof id === 'string' ? id : undefined;
}
