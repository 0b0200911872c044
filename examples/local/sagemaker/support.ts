import { AwsError, Cloud, JsonObject } from '../cloud/types';

const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/;

export const invalid = (message: string): AwsError => new AwsError('ValidationException', message);

/** SageMaker's rule for nearly every name. */
export function checkName(value: string, member: string): string {
  if (!NAME.test(value)) {
    throw invalid(`1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: `
      + 'Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}');
  }
  return value;
}

export function arnOf(cloud: Cloud, kind: string, name: string): string {
  return `arn:${cloud.partition}:sagemaker:${cloud.region}:${cloud.account}:${kind}/${name}`;
}

/** The last part of an ARN, or the name itself. */
export const nameOf = (nameOrArn: string): string => nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1);

export function page<T>(items: T[], input: JsonObject, size = 100): { items: T[]; next: { NextToken?: string } } {
  const from = Number(input.NextToken ?? 0);
  const count = Number(input.MaxResults ?? size);
  return { items: items.slice(from, from + count), next: from + count < items.length ? { NextToken: String(from + count) } : {} };
}

export function parseS3(uri: string): { bucket: string; key: string } {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri);
  if (match === null) throw invalid(`${uri} is not an S3 URI`);
  return { bucket: match[1], key: match[2] };
}
