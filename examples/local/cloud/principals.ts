import { createHash } from 'crypto';
import { Principal } from './types';

export const OPERATOR_KEY = 'LOCALOPERATOR';

/** Who is behind an access key. Each role gets a key of its own, made from its ARN. */
export class Principals {
  private readonly byKey = new Map<string, { arn: string; name: string }>();
  private readonly restricted = new Set<string>();

  constructor(account: string, partition: string) {
    this.byKey.set(OPERATOR_KEY, { arn: `arn:${partition}:iam::${account}:user/local-operator`, name: 'local-operator' });
  }

  keyOf(roleArn?: string): string {
    if (roleArn === undefined) return OPERATOR_KEY;
    const key = `LKIA${createHash('sha256').update(roleArn).digest('hex').slice(0, 16).toUpperCase()}`;
    this.byKey.set(key, { arn: roleArn, name: roleArn.slice(roleArn.lastIndexOf('/') + 1) });
    return key;
  }

  /** From now on the calls of this role are decided by the policies of the assembly. */
  restrict(roleArn: string): void {
    this.restricted.add(roleArn);
  }

  find(accessKeyId: string): Principal | undefined {
    const found = this.byKey.get(accessKeyId);
    return found && { ...found, restricted: this.restricted.has(found.arn) };
  }
}
