import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { answer, ApprovalTable, readApprovalRecord } from './approval-io';
import { ApprovalAnswer, ApprovalRecord, isAuthor, namesOf, readApproval } from '../domain/approval';
import { ledgerKeys } from '../domain/ledger';
import { clientFor } from '../private/model-io';
import { readItem } from '../registry/ledger-io';

/** What of a function URL's request is used. */
export interface UrlRequest {
  readonly requestContext: {
    readonly http: { readonly method: string };
    /** Milliseconds since 1970: when Lambda took the request in. */
    readonly timeEpoch: number;
    /** Who signed it, as IAM has found. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const dynamo = clientFor(DynamoDBClient);

/** Takes an approver's answer. IAM has let them in; here it is seen that they are not the author, and in time. */
export async function handler(request: UrlRequest): Promise<UrlAnswer> {
  const { http, timeEpoch, authorizer } = request.requestContext;
  if (http.method !== 'POST') return said(405, 'answers are sent by POST');
  const userArn = authorizer?.iam?.userArn;
  if (userArn === undefined || namesOf(userArn).length === 0) return said(403, `${userArn ?? 'a request without an identity'} is nobody in particular, and cannot approve`);
  const sent = readApproval(request.isBase64Encoded === true ? Buffer.from(request.body ?? '', 'base64').toString() : request.body ?? '');
  if (typeof sent === 'string') return said(400, sent);

  const at: ApprovalTable = { client: dynamo, table: process.env.LEDGER_TABLE ?? '', key: process.env.HOOK_KEY ?? '' };
  const approval = await readApprovalRecord(at, sent.version);
  if (approval === undefined) return said(404, `no release waits for an approval of ${sent.version}`);
  if (isAuthor(userArn, approval.author)) {
    return said(403, `${userArn} may not decide about ${sent.version}: its commit was written by ${approval.author}, and nobody approves their own model`);
  }
  const slot = await readItem<{ version?: string }>(dynamo, at.table, ledgerKeys.releaseSlot());
  if (slot?.version !== sent.version) return said(410, `the release of ${sent.version} is over`);
  if (await answer(at, sent, userArn, new Date(timeEpoch).toISOString())) return said(200, `${sent.version}: ${sent.decision}`);
  return settled(sent, userArn, await readApprovalRecord(at, sent.version) ?? approval);
}

/** The same answer of the same person again is no news; anything else comes too late. */
function settled({ version, decision }: ApprovalAnswer, userArn: string, { status, by, until, ...kept }: ApprovalRecord): UrlAnswer {
  if (status === 'answered' && by === userArn && kept.decision === decision) return said(200, `${version}: ${decision}`);
  if (status === 'answered') return said(409, `${version} was decided already: ${kept.decision}, by ${by} at ${kept.answeredAt}`);
  return said(410, `${version} could be decided about until ${until}`);
}

function said(statusCode: number, message: string): UrlAnswer {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message }) };
}
