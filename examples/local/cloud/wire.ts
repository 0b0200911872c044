import { AwsError, JsonObject } from './types';

/** How a local caller signs: nobody checks the signature, the scope routes and the key names the principal. */
export function authorization(accessKeyId: string, region: string, service: string): string {
  return `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20000101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
}

/** One call of the AWS JSON protocol, for services whose SDK client the project has no other use for. */
export async function jsonCall(
  cloud: { endpoint: string; region: string; accessKeyId?: string }, service: string, target: string, input: JsonObject,
): Promise<JsonObject> {
  const response = await fetch(cloud.endpoint, {
    method: 'POST',
    headers: {
      'authorization': authorization(cloud.accessKeyId ?? 'LOCALOPERATOR', cloud.region, service),
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  const answer = (text === '' ? {} : JSON.parse(text)) as JsonObject;
  if (response.ok) return answer;
  const code = String(answer.__type ?? response.status).replace(/^.*#/, '');
  throw new AwsError(code, `${target}: ${String(answer.message ?? answer.Message ?? text)}`, response.status);
}
