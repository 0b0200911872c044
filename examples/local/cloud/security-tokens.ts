import { Principals, sessionOf } from './principals';
import { AwsError, Call, Cloud, RawAnswer, Service, StandIn, Unsupported } from './types';

const SESSION_SECONDS = 3600;

/** STS: whoever the policies let take a role of the assembly gets that role's key. */
export class SecurityTokens implements StandIn {
  readonly describes = [{ service: 'STS', by: 'first-party: AssumeRole, decided by the policies of caller and role' }];
  readonly services: Service[] = [{ scopes: ['sts'], handle: async (call) => this.handle(call) }];
  private cloud!: Cloud;

  constructor(private readonly principals: Principals) {}

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  private handle({ operation, input, principal }: Call): RawAnswer {
    if (operation !== 'AssumeRole') throw new Unsupported(`sts ${operation}`);
    const { RoleArn, RoleSessionName } = input as Record<string, string>;
    if (!/^[\w+=,.@-]{2,64}$/.test(RoleSessionName ?? '')) throw new AwsError('ValidationError', `RoleSessionName '${RoleSessionName}' is not valid`);
    // whether the rest of a restricted caller's policies are asked is seen to where all calls are; a role's trust holds for everybody
    const decision = this.cloud.decide(principal.arn, 'sts:AssumeRole', RoleArn);
    if (!decision.allowed) {
      throw new AwsError('AccessDenied', `User: ${sessionOf(principal)} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn} (${decision.by})`, 403);
    }
    const name = RoleArn.slice(RoleArn.lastIndexOf('/') + 1);
    const credentials = {
      AccessKeyId: this.principals.keyOf(RoleArn),
      SecretAccessKey: 'local',
      SessionToken: 'local',
      Expiration: new Date(Date.now() + SESSION_SECONDS * 1000).toISOString(),
    };
    const result = {
      AssumedRoleUser: { Arn: `arn:${this.cloud.partition}:sts::${this.cloud.account}:assumed-role/${name}/${RoleSessionName}`, AssumedRoleId: `LOCAL:${RoleSessionName}` },
      Credentials: credentials,
    };
    const body = Object.entries(result).map(([member, fields]) =>
      `<${member}>${Object.entries(fields).map(([field, value]) => `<${field}>${value}</${field}>`).join('')}</${member}>`).join('');
    return {
      status: 200,
      headers: { 'content-type': 'text/xml' },
      body: `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>${body}</AssumeRoleResult></AssumeRoleResponse>`,
    };
  }
}
