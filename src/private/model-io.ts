import { AsyncLocalStorage } from 'async_hooks';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

/** For which model a function works that several of them share. A function of one construct alone is not told. */
export interface ForModel {
  /** ARN of the role to work in. */
  readonly role: string;
  /** What a function of its own would have in its environment. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** An event, or the properties of a custom resource, as a shared function gets them. */
export interface ToldModel {
  readonly forModel?: ForModel;
  readonly ResourceProperties?: { readonly ForModelRole?: string };
}

const current = new AsyncLocalStorage<ForModel>();

/** A handler that works for the model that its event names. */
export function perModel<E extends object, Rest extends unknown[], R>(
  handle: (event: E, ...rest: Rest) => Promise<R>,
): (event: E & ToldModel, ...rest: Rest) => Promise<R> {
  return (event, ...rest) => {
    const role = event.ResourceProperties?.ForModelRole;
    const model = event.forModel ?? (role === undefined ? undefined : { role });
    return model === undefined ? handle(event, ...rest) : current.run(model, () => handle(event, ...rest));
  };
}

/** A setting of the model that is worked for, or of the function itself. */
export function setting(name: string): string | undefined {
  return current.getStore()?.settings?.[name] ?? process.env[name];
}

/** A client that calls in the role of the model that is worked for, or in the function's own. */
export function clientFor<C extends object, P extends object>(type: new (configuration: P) => C, configuration?: P): C {
  const clients = new Map<string, C>();
  const client = (): C => {
    const role = current.getStore()?.role ?? '';
    const known = clients.get(role);
    if (known !== undefined) return known;
    const credentials = role === '' ? {} : { credentials: () => credentialsOf(role) };
    const made = new type({ ...configuration, ...credentials } as P);
    clients.set(role, made);
    return made;
  };
  return new Proxy({} as C, {
    get: (_, member) => {
      const real = client();
      const value: unknown = Reflect.get(real, member);
      return typeof value === 'function' ? value.bind(real) as unknown : value;
    },
  });
}

let sts: STSClient | undefined;

/** The SDK keeps them until they are about to expire. The session is named after the function, by which a recorded call is known. */
async function credentialsOf(role: string): Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date }> {
  sts ??= new STSClient({});
  const { Credentials } = await sts.send(new AssumeRoleCommand({
    RoleArn: role, RoleSessionName: (process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'cdk-mlops').slice(0, 64),
  }));
  if (Credentials?.AccessKeyId === undefined || Credentials.SecretAccessKey === undefined) throw new Error(`STS gave no credentials for ${role}`);
  return {
    accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
    expiration: Credentials.Expiration,
  };
}
