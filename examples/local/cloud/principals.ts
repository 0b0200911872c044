import { createHash } from 'crypto';
import { Principal } from './types';

export const OPERATOR_KEY = 'LOCALOPERATOR';
/** Name of every session of a role. */
export const SESSION = 'local';

/** ARN by which a principal's calls are known: of a role's session, or of a user. */
export function sessionOf({ arn, name }: Principal): string {
  return arn.includes(':role/') ? `${arn.replace(':iam:', ':sts:').replace(/:role\/.*$/, '')}:assumed-role/${name}/${SESSION}` : arn;
}

/** Who is behind an access key. Each role gets a key of its own, made from its ARN. */
export class Principals {
  private readonly byKey = new Map<string, { arn: string; name: string }>();
  private readonly people = new Set<string>();
  /** A person of the account with all rights, whose calls are recorded like anybody's. */
  readonly administrator: string;

  /** @param isHeld whether the policies of the assembly decide about a role that is no person */
  constructor(account: string, partition: string, private readonly isHeld: (roleArn: string) => boolean) {
    this.administrator = `arn:${partition}:iam::${account}:user/administrator`;
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
    this.people.add(roleArn);
  }

  find(accessKeyId: string): Principal | undefined {
    const found = this.byKey.get(accessKeyId);
    if (!found) return undefined;
    const held = this.people.has(found.arn);
    return { ...found, person: held || found.arn === this.administrator, restricted: held || this.isHeld(found.arn) };
  }
}
