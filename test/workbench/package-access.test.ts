import { execFileSync } from 'child_process';
import * as fs from 'fs';
import * as http from 'http';
import { AddressInfo } from 'net';
import * as os from 'os';
import * as path from 'path';
import { instance, notebookEnv, python, run } from './programs';

/** Makes a wheel of one module. */
const WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("tiny_weather.py", "ANSWER = 42\\n")
    info = "tiny_weather-1.0.dist-info"
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: tiny-weather\\nVersion: 1.0\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", f"tiny_weather.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
`;

let home: string;
let server: http.Server;
let url: string;
let token: string | undefined;
let asked: string[];

beforeEach(async () => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'packages-'));
  const wheel = path.join(home, 'tiny_weather-1.0-py3-none-any.whl');
  execFileSync(python, ['-c', WHEEL, wheel]);
  asked = [];
  token = 'token-1';
  server = http.createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://x');
    if (pathname.startsWith('/v1/')) asked.push(`${request.method} ${pathname} ${searchParams.toString()}`);
    const json = (status: number, body: object) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (pathname === '/v1/repository/endpoint') return json(200, { repositoryEndpoint: `${url}/pypi/pypi/` });
    if (pathname === '/v1/authorization-token') return token === undefined ? json(403, { message: 'no' }) : json(200, { authorizationToken: token, expiration: 1 });
    if (request.headers.authorization !== `Basic ${Buffer.from(`aws:${token}`).toString('base64')}`) return response.writeHead(401).end();
    if (pathname === '/pypi/pypi/simple/tiny-weather/') {
      return response.writeHead(200, { 'content-type': 'text/html' }).end(`<a href="../../files/${path.basename(wheel)}">tiny</a>`);
    }
    if (pathname.endsWith('.whl')) return response.end(fs.readFileSync(wheel));
    return response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
  fs.rmSync(home, { recursive: true, force: true });
});

const env = () => notebookEnv(home, { AWS_ENDPOINT_URL_CODEARTIFACT: url, AWS_MAX_ATTEMPTS: '1', PIP_DISABLE_PIP_VERSION_CHECK: '1' });
const access = () => run(python, [path.join(instance, 'package_access.py'), '--domain', 'mlops', '--owner', '111122223333', '--repository', 'pypi'], env());
const install = () => run(python, ['-m', 'pip', 'install', '--no-cache-dir', '--retries', '0', '--target', path.join(home, 'installed'), 'tiny-weather'], env());
const config = () => path.join(home, '.config', 'pip', 'pip.conf');

test('pip installs through the repository, with a token of twelve hours that only the scientist can read', async () => {
  expect(await access()).toMatchObject({ status: 0 });
  expect(asked).toEqual([
    'GET /v1/repository/endpoint domain=mlops&domain-owner=111122223333&repository=pypi&format=pypi',
    'POST /v1/authorization-token domain=mlops&domain-owner=111122223333&duration=43200',
  ]);
  expect(fs.statSync(config()).mode & 0o777).toBe(0o600);
  const installed = await install();
  expect([installed.status, installed.said]).toEqual([0, '']);
  expect(fs.readFileSync(path.join(home, 'installed', 'tiny_weather.py'), 'utf8')).toBe('ANSWER = 42\n');
});

test('an outlived token is replaced, other settings of pip stay', async () => {
  fs.mkdirSync(path.dirname(config()), { recursive: true });
  fs.writeFileSync(config(), '[global]\ntimeout = 5\nindex-url = http://127.0.0.1:1/simple\n[install]\nno-compile = yes\n');
  await access();
  token = 'token/2+with=signs%';
  expect((await install()).status).not.toBe(0);
  await access();
  expect(await install()).toMatchObject({ status: 0 });
  const written = fs.readFileSync(config(), 'utf8');
  for (const line of ['timeout = 5', '[install]', 'no-compile = yes']) expect(written).toContain(line);
  expect(written.match(/index-url/g)).toHaveLength(1);
});

test('where no token is given, the one before stays', async () => {
  await access();
  const before = fs.readFileSync(config(), 'utf8');
  token = undefined;
  const refused = await access();
  expect(refused.status).toBe(1);
  expect(refused.said).toContain('the one before stays');
  expect(fs.readFileSync(config(), 'utf8')).toBe(before);
});
