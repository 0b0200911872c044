import { ExternalTable } from './table';
import { parseS3Uri } from '../cloud/members';
import { AwsError, Cloud, Principal } from '../cloud/types';

/** What Athena does with the rights of who asks: it looks tables up, reads their objects, and writes the result. */
export class CallerRights {
  constructor(private readonly cloud: Cloud, private readonly principal: Principal) {}

  mayRead(table: ExternalTable): void {
    const { partition, region, account } = this.cloud;
    const glue = (resource: string): string => `arn:${partition}:glue:${region}:${account}:${resource}`;
    const bucket = `arn:${partition}:s3:::${table.bucket}`;
    for (const resource of [glue('catalog'), glue(`database/${table.database}`), glue(`table/${table.database}/${table.name}`)]) this.need('glue:GetTable', resource);
    this.need('s3:ListBucket', bucket, { 's3:prefix': `${table.folder}x/` });
    this.need('s3:GetObject', `${bucket}/${table.folder}x/x`);
  }

  mayWrite(output: string): void {
    const { bucket, key } = parseS3Uri(output);
    const arn = `arn:${this.cloud.partition}:s3:::${bucket}`;
    this.need('s3:GetBucketLocation', arn);
    for (const action of ['s3:PutObject', 's3:GetObject']) this.need(action, `${arn}/${key}`);
  }

  private need(action: string, resource: string, context: Record<string, string> = {}): void {
    if (this.principal.restricted !== true) return;
    const { allowed, by } = this.cloud.decide(this.principal.arn, action, resource, context);
    if (!allowed) throw new AwsError('PERMISSION_DENIED', `User: ${this.principal.arn} is not authorized to perform: ${action} on resource: ${resource} (${by})`);
  }
}
