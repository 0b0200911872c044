import { iamRequests } from './iam-requests';
import { SESSION, sessionOf } from './principals';
import { AwsError, Call, Cloud, Json, JsonObject, Principal } from './types';

/** A decision about a call of a person, for the report. */
export interface Decided {
  readonly at: string;
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly allowed: boolean;
  readonly by: string;
}

/** Calls that CloudTrail does not hand to EventBridge: those that only read, and those about data. */
const READS = /^(Get|List|Describe|BatchGet|Head|Search|Lookup|Query|Scan|Simulate|Test|Validate)/;
const DATA = new Set([
  'PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems', 'BatchWriteItem', 'PutMetricData', 'PutEvents', 'PutRecord', 'PutRecordBatch',
  'Publish', 'SendMessage', 'ReceiveMessage', 'DeleteMessage', 'InvokeEndpoint', 'InvokeFunction', 'Invoke', 'PutObject', 'DeleteObject', 'Encrypt', 'Decrypt',
]);

/** Decides the calls of people by the synthesized policies, and tells of them as CloudTrail does. */
export class Authorization {
  readonly decided: Decided[] = [];

  constructor(private readonly cloud: Cloud) {}

  /** Throws where the principal may not. */
  async authorize(call: Call): Promise<void> {
    const requests = iamRequests(call, this.cloud);
    for (const { action, resource, context } of call.principal.restricted ? requests : []) {
      const decision = this.cloud.decide(call.principal.arn, action, resource, context);
      const { allowed } = decision;
      if (allowed && !call.principal.person) continue;
      const { by } = decision;
      this.decided.push({ at: this.cloud.clock.now().toISOString(), principal: call.principal.arn, action, resource, allowed, by });
      if (allowed) continue;
      const message = `User: ${sessionOf(call.principal)} is not authorized to perform: ${action} on resource: ${resource} (${by})`;
      await this.tell(call, action, { errorCode: 'AccessDenied', errorMessage: message });
      throw new AwsError(XML.has(call.service) || call.service === 'monitoring' ? 'AccessDenied' : 'AccessDeniedException', message, call.service === 'sagemaker' ? 400 : 403);
    }
    await this.tell(call, requests[0].action, {});
  }

  private async tell(call: Call, action: string, outcome: JsonObject): Promise<void> {
    const eventName = action.slice(action.indexOf(':') + 1);
    if (READS.test(eventName) || DATA.has(eventName)) return;
    const { principal } = call;
    if (!principal.person) return;
    await this.cloud.emit(`aws.${call.service}`, 'AWS API Call via CloudTrail', {
      eventVersion: '1.11',
      userIdentity: this.identity(principal),
      eventTime: `${this.cloud.clock.now().toISOString().slice(0, 19)}Z`,
      eventSource: `${call.service}.amazonaws.com`,
      eventName,
      awsRegion: this.cloud.region,
      sourceIPAddress: '127.0.0.1',
      userAgent: call.headers['user-agent'] ?? 'unknown',
      requestParameters: lowered(call.input),
      responseElements: null,
      eventID: crypto.randomUUID(),
      eventType: 'AwsApiCall',
      recipientAccountId: this.cloud.account,
      readOnly: false,
      managementEvent: true,
      eventCategory: 'Management',
      ...outcome,
    });
  }

  private identity(principal: Principal): JsonObject {
    const accountId = this.cloud.account;
    if (principal.arn.includes(':user/')) return { type: 'IAMUser', arn: principal.arn, accountId, principalId: 'AIDALOCAL', userName: principal.name };
    return {
      type: 'AssumedRole',
      arn: sessionOf(principal),
      accountId,
      principalId: `AROALOCAL:${SESSION}`,
      sessionContext: { sessionIssuer: { type: 'Role', arn: principal.arn, userName: principal.name, accountId } },
    };
  }
}

/** Services whose protocol is XML. */
export const XML = new Set(['s3', 'sns', 'sts', 'iam']);

/** CloudTrail writes request members in camelCase. */
function lowered(value: JsonObject): Record<string, Json> {
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.charAt(0).toLowerCase() + name.slice(1), inner]));
}
