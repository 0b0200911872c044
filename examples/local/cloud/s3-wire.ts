import { OPERATOR_KEY } from './principals';
import { AwsError } from './types';
import { authorization } from './wire';

/** Where to look for objects: keys below `prefix`, the first after `after` and the last up to `until`. */
export interface Listing {
  readonly prefix: string;
  readonly after?: string;
  readonly until?: string;
}

export interface Listed {
  readonly key: string;
  readonly etag: string;
  readonly size: number;
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const plain = (xml: string): string => xml.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (_, decimal: string, hex: string, name: string) =>
  (name === undefined ? String.fromCodePoint(decimal === undefined ? parseInt(hex, 16) : Number(decimal)) : ENTITIES[name] ?? ''));
const member = (xml: string, name: string): string | undefined => {
  const match = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml);
  return match === null ? undefined : plain(match[1]);
};

/** Objects asked for at once: some megabytes where they are as small as captures are. */
const BATCH = 500;
/** Stands for the length of an object that is not there. */
const ABSENT = 0xffff_ffff;

const inPath = (bucket: string, key: string): string => `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;

/** S3 without the SDK: over the thousands of small objects of a month its clients take longer than everything else. */
export class S3Wire {
  private readonly headers: Record<string, string>;

  constructor(private readonly endpoint: string, region: string, accessKeyId = OPERATOR_KEY) {
    this.headers = { 'authorization': authorization(accessKeyId, region, 's3'), 'content-type': 'application/octet-stream' };
  }

  async list(bucket: string, listing: Listing): Promise<Listed[]> {
    const found: Listed[] = [];
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const query = new URLSearchParams({ 'list-type': '2', 'prefix': listing.prefix });
      if (listing.after !== undefined) query.set('start-after', listing.after);
      if (token !== undefined) query.set('continuation-token', token);
      const xml = (await this.send('GET', `${bucket}?${query.toString()}`, `s3://${bucket}/${listing.prefix}`)).toString('utf8');
      for (const [, contents] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const [key, etag, size] = [member(contents, 'Key'), member(contents, 'ETag'), member(contents, 'Size')];
        if (key === undefined || (listing.until !== undefined && key > listing.until)) return found;
        found.push({ key, etag: etag ?? '', size: Number(size ?? 0) });
      }
      token = member(xml, 'NextContinuationToken');
    }
    return found;
  }

  async get(bucket: string, key: string): Promise<Buffer> {
    return this.send('GET', inPath(bucket, key), `s3://${bucket}/${key}`);
  }

  async put(bucket: string, key: string, body: Buffer | string): Promise<void> {
    await this.send('PUT', inPath(bucket, key), `s3://${bucket}/${key}`, body);
  }

  /** Many objects, in the order of their keys, by a route beside the API: each is its length and its bytes. */
  async getAll(bucket: string, keys: readonly string[]): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (let i = 0; i < keys.length; i += BATCH) {
      const batch = keys.slice(i, i + BATCH);
      const all = await this.send('POST', '_local/objects', `s3://${bucket}`, JSON.stringify({ bucket, keys: batch }));
      let at = 0;
      for (const key of batch) {
        const length = all.readUInt32BE(at);
        if (length === ABSENT) throw new AwsError('NoSuchKey', `s3://${bucket}/${key}: The specified key does not exist.`, 404);
        found.push(all.subarray(at + 4, at + 4 + length));
        at += 4 + length;
      }
    }
    return found;
  }

  private async send(method: string, path: string, what: string, body?: Buffer | string): Promise<Buffer> {
    const sent = typeof body === 'string' || body === undefined ? body : new Uint8Array(body);
    const response = await fetch(`${this.endpoint}/${path}`, { method, headers: this.headers, body: sent });
    const answer = Buffer.from(await response.arrayBuffer());
    if (response.ok) return answer;
    const xml = answer.toString('utf8');
    throw new AwsError(member(xml, 'Code') ?? 'S3Exception', `${what}: ${member(xml, 'Message') ?? response.status}`, response.status);
  }
}
