import { Listing } from './projection';
import { OPERATOR_KEY } from '../cloud/principals';
import { AwsError } from '../cloud/types';
import { authorization } from '../cloud/wire';

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

/** S3 without the SDK: over the thousands of small objects of a month its clients take longer than the queries themselves. */
export class S3Wire {
  private readonly headers: Record<string, string>;

  constructor(private readonly endpoint: string, region: string) {
    this.headers = { authorization: authorization(OPERATOR_KEY, region, 's3') };
  }

  async list(bucket: string, listing: Listing): Promise<Listed[]> {
    const found: Listed[] = [];
    for (let token: string | undefined, more = true; more; more = token !== undefined) {
      const query = new URLSearchParams({ 'list-type': '2', 'prefix': listing.prefix });
      if (listing.after !== undefined) query.set('start-after', listing.after);
      if (token !== undefined) query.set('continuation-token', token);
      const xml = (await this.read(`${bucket}?${query.toString()}`, `s3://${bucket}/${listing.prefix}`)).toString('utf8');
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
    return this.read(`${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`, `s3://${bucket}/${key}`);
  }

  private async read(path: string, what: string): Promise<Buffer> {
    const response = await fetch(`${this.endpoint}/${path}`, { headers: this.headers });
    const body = Buffer.from(await response.arrayBuffer());
    if (response.ok) return body;
    const xml = body.toString('utf8');
    throw new AwsError(member(xml, 'Code') ?? 'S3Exception', `${what}: ${member(xml, 'Message') ?? response.status}`);
  }
}
