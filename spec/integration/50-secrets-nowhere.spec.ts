// Secrets stay out of logs, responses, output and Redis. One run provokes every kind of failure. The tests then search everything
// that the run has written for what was configured and for what was sent:
//   logs          the error log of Kong and the logs of two workers
//   responses     the problems and status bodies of the plugin, with their header fields
//   adminOutput   what the admin command has printed
//   redis         every key and value in Redis
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runAdmin } from '../helpers/admin-command';
import { CertificateAuthority, type Identity } from '../helpers/certificates';
import { newEncryptionKey } from '../helpers/encryption';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { strangeJobId } from '../helpers/job-ids';
import { problemOf } from '../helpers/problem';
import { redisContents } from '../helpers/redis-contents';
import { startStack, type Stack } from '../helpers/stack';
import type { RouteOptions } from '../helpers/stack/kong-config';
import type { Releasers } from '../helpers/stack/releasers';
import { until } from '../helpers/until';
import { hangUp, rawBytes, reply, silence } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { WorkerProcess } from '../helpers/worker-process';

const LARGE_BYTES = 200_000;

const newSecret = (): string => randomBytes(24).toString('base64');
const REDIS_PASSWORD = `password-${randomBytes(12).toString('hex')}`;
const KEYS = [newEncryptionKey(), newEncryptionKey(), newEncryptionKey()] as const;
const CALLBACK_SECRETS = [newSecret(), newSecret()];
const LOOPBACK_SECRET = newSecret();
const API_KEY = `apikey-${randomBytes(12).toString('hex')}`;

/** What a client sends on a route. Each text occurs nowhere else. */
const sentOn = (route: string) => ({
  authorization: `Bearer ${route}-authorization`,
  cookie: `session=${route}-cookie`,
  field: `${route}-field`,
  query: `${route}-query`,
  body: `${route}-request-body`,
  idempotencyKey: `${route}-idempotency-key-of-a-stranger-who-is-long`,
});
/** What the upstream returns on a route. Each text occurs nowhere else. */
const returnedOn = (route: string) => ({ cookie: `id=${route}-set-cookie`, body: `${route}-response-body` });

const ROUTES = ['sealed', 'clear'] as const;
/** Every text that is sent or returned on a route. */
const trafficOf = (route: string): string[] => [
  ...Object.values(sentOn(route)),
  ...Object.values(returnedOn(route)),
];

let stack: Stack;
let client: Identity;
let directory: string;
/** IDs of jobs without an owner: the ID is their only credential. */
const anonymousIds: string[] = [];
const responses: string[] = [];
let logs = '';
let adminOutput = '';
let redis = '';

const routes = (keys: readonly string[]): RouteOptions[] => {
  const callback = {
    base_url: 'https://api.example.com',
    targets: [
      {
        host: 'localhost',
        ports: [9],
        allow_private: true,
        secrets: CALLBACK_SECRETS.map((secret) => `whsec_${secret}`),
      },
    ],
  };
  const shared = {
    callback,
    retry: { attempts: 1, connect_attempts: 1 },
    response: { max_body_bytes: 300_000 },
    upstream: { client_cert: client.cert, client_key: client.key },
    request: {
      max_body_bytes: 500_000,
      query_schema: '{"type":"object","properties":{"limit":{"type":"integer"}}}',
    },
  };
  return [
    { name: 'sealed', config: { ...shared, queue: { name: 'sealed' }, encryption: { keys: [...keys] } } },
    { name: 'clear', config: { ...shared, queue: { name: 'clear' } } },
    {
      name: 'looped',
      config: {
        retry: { attempts: 1, connect_attempts: 1 },
        queue: { name: 'looped' },
        // Nothing listens there: it is enough that the call is made and fails.
        upstream: { mode: 'loopback', url: 'http://127.0.0.1:9', loopback_secret: LOOPBACK_SECRET },
      },
    },
    { name: 'keyed', config: shared, plugins: [{ name: 'key-auth', config: { key_names: ['apikey'] } }] },
  ];
};

useResources(async (resources) => {
  const authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  client = authority.issue('client', ['DNS:client']);
  directory = mkdtempSync(join(tmpdir(), 'arr-nowhere-'));
  resources.add(() => rmSync(directory, { recursive: true, force: true }));
  const starting = startStack({
    redis: {
      settings: { requirepass: REDIS_PASSWORD },
      login: { username: 'default', password: REDIS_PASSWORD },
    },
    shared: { redis: { password: REDIS_PASSWORD } },
    routes: routes(KEYS.slice(0, 2)),
    extra: { consumers: [{ username: 'alice', keyauth_credentials: [{ key: API_KEY }] }] },
    env: { ARR_REDIS_PASSWORD: REDIS_PASSWORD, ARR_LOG_LEVEL: 'trace' },
  });
  stack = await resources.use(starting, (started) => started.close());
  await runEverything(resources);
});

/** Sends a request with every secret that a client may have, and records the response if the plugin has made it. */
async function send(route: string, path: string, options: RequestOptions = {}): Promise<HttpResponse> {
  const { authorization, cookie, field, query, body } = sentOn(route);
  const target = `/${route}/${path}${path.includes('?') ? '&' : '?'}token=${query}`;
  const response = await stack.request(target, {
    method: 'POST',
    ...(options.method === undefined ? { body } : {}),
    ...options,
    headers: {
      Authorization: authorization,
      Cookie: cookie,
      'X-Field': field,
      ...(options.headers as object),
    },
  });
  if (response.header('Content-Type')?.includes('json') === true) {
    const fields = response.fields.filter(([name]) => !/^(location|x-async-kong-id)$/i.test(name));
    responses.push([...fields.map((one) => one.join(': ')), response.text].join('\n'));
  }
  return response;
}

const get = (route: string, path: string, id: string, method = 'GET'): Promise<HttpResponse> =>
  send(route, path, { method, headers: { 'X-Async-Kong-Id': id } });

async function submit(route: string, path: string, options: RequestOptions = {}): Promise<string> {
  const response = await send(route, path, options);
  const id = response.header('X-Async-Kong-Id') ?? '';
  expect([path, response.status]).toEqual([path, 202]);
  anonymousIds.push(id);
  return id;
}

/** Submits, and returns the response to a poll once the job has settled. */
async function settled(route: string, path: string, options: RequestOptions = {}): Promise<HttpResponse> {
  const id = await submit(route, path, options);
  return until(`${route}/${path} to settle`, async () => {
    const response = await get(route, path, id);
    return response.status === 202 ? null : response;
  });
}

async function runEverything(resources: Releasers): Promise<void> {
  for (const route of ROUTES) {
    await completeJobs(route);
    await failJobs(route);
    await provokeProblems(route);
  }
  await callAsConsumer();
  expect((await settled('looped', 'a')).status).toBe(502);
  await loseEncryptionKeys();
  await loseRedis();
  adminOutput = await runAdminCommands();
  await runWorkers(resources);
  redis = await redisContents(stack.redis);
  logs += withoutRequestLines(await stack.gateway.log());
}

async function completeJobs(route: string): Promise<void> {
  const { cookie, body } = returnedOn(route);
  const headers = { 'Set-Cookie': cookie };
  stack.upstream.script(`/${route}/small`, reply({ headers, body }));
  const callback = { 'X-Async-Callback-Url': `https://localhost:9/${route}-callback` };
  expect((await settled(route, 'small', { headers: callback })).text).toBe(body);
  const large = Buffer.alloc(LARGE_BYTES, sentOn(route).body);
  stack.upstream.script(
    `/${route}/large`,
    reply({ status: 500, headers, body: Buffer.alloc(LARGE_BYTES, body) }),
  );
  expect((await settled(route, 'large', { body: large })).body).toHaveLength(LARGE_BYTES);
}

async function failJobs(route: string): Promise<void> {
  stack.upstream.script(`/${route}/hung-up`, hangUp());
  expect((await settled(route, 'hung-up')).status).toBe(502);
  const secret = returnedOn(route).body;
  stack.upstream.script(`/${route}/bad`, rawBytes(`HTTP/1.1 999 ${secret}\r\n${secret}: a\r\n\r\n`));
  expect((await settled(route, 'bad')).status).toBe(502);
  stack.upstream.script(`/${route}/too-large`, reply({ body: Buffer.alloc(400_000, secret) }));
  expect((await settled(route, 'too-large')).status).toBe(502);
  stack.upstream.script(`/${route}/silent`, silence());
  const id = await submit(route, 'silent');
  await stack.upstream.called(`/${route}/silent`);
  expect((await get(route, 'silent', id, 'DELETE')).status).toBe(202);
  await until('the job to be cancelled', async () => (await get(route, 'silent', id)).status === 410);
}

async function provokeProblems(route: string): Promise<void> {
  const { idempotencyKey, body } = sentOn(route);
  const problem = async (path: string, options: RequestOptions = {}): Promise<string> =>
    problemOf(await send(route, path, options))[1];
  const keyed = { headers: { 'Idempotency-Key': idempotencyKey } };
  await settled(route, 'repeated', keyed);
  expect(await problem('repeated', { ...keyed, body: `${body} and more` })).toBe('idempotency-key-reused');
  expect(await problem(`checked?limit=${body}`)).toBe('validation-failed');
  const callback = { 'X-Async-Callback-Url': `https://user:${body}@localhost:9/` };
  expect(await problem('callback', { headers: callback })).toBe('invalid-callback-url');
  expect(await problem('large', { body: Buffer.alloc(600_000, body) })).toBe('body-too-large');
  expect(await problem('unknown', { method: 'GET', headers: { 'X-Async-Kong-Id': strangeJobId() } })).toBe(
    'not-found',
  );
}

async function callAsConsumer(): Promise<void> {
  const apikey = { apikey: API_KEY };
  // A dead letter keeps its request.
  stack.upstream.script('/keyed/a', reply({ status: 500 }));
  const response = await send('keyed', 'a', { headers: apikey });
  const id = response.header('X-Async-Kong-Id') ?? '';
  await until('the job to settle', async () => {
    const poll = await send('keyed', 'a', { method: 'GET', headers: { ...apikey, 'X-Async-Kong-Id': id } });
    return poll.status === 500;
  });
  expect((await send('keyed', 'a', { method: 'GET', headers: { 'X-Async-Kong-Id': id } })).status).toBe(401);
}

async function loseEncryptionKeys(): Promise<void> {
  stack.upstream.script('/sealed/kept', reply({ body: 'a' }));
  const id = await submit('sealed', 'kept');
  await until('the job to settle', async () => (await get('sealed', 'kept', id)).status === 200);
  await stack.applyRoutes(routes([KEYS[2]]));
  expect(problemOf(await get('sealed', 'kept', id))).toEqual([503, 'key-missing']);
  await stack.applyRoutes(routes(KEYS));
  const key = `${stack.keyPrefix}:{${id}}:res:1.1`;
  await stack.redis.command('HSET', key, '0', 'something else');
  expect(problemOf(await get('sealed', 'kept', id))).toEqual([500, 'result-unreadable']);
}

async function loseRedis(): Promise<void> {
  await stack.redis.kill();
  expect((await send('clear', 'lost')).status).toBe(503);
  await until('the loss to be logged', async () => (await stack.gateway.log()).includes('redis connection'));
  await stack.redis.start();
  await until('Redis to be back', async () => (await get('clear', 'any', strangeJobId())).status === 404);
}

async function runAdminCommands(): Promise<string> {
  const env = {
    ARR_REDIS_PORT: String(stack.redis.port),
    ARR_KEY_PREFIX: stack.keyPrefix,
    ARR_REDIS_PASSWORD: REDIS_PASSWORD,
  };
  const commands = [['jobs'], ['queues'], ['doctor'], ...anonymousIds.map((id) => ['show', id]).slice(0, 3)];
  const results = [];
  for (const args of commands) results.push(await runAdmin(args, env));
  return results.map(({ stdout, stderr }) => `${stdout}${stderr}`).join('\n');
}

/** Runs a worker that has no secrets, and one that has them. */
async function runWorkers(resources: Releasers): Promise<void> {
  const file = join(directory, 'secrets.json');
  const callbacks = CALLBACK_SECRETS.map((secret) => `whsec_${secret}`);
  const secrets = [...KEYS, ...callbacks, LOOPBACK_SECRET, client.cert, client.key];
  writeFileSync(file, JSON.stringify(Object.fromEntries(secrets.map((one, at) => [`secret-${at}`, one]))));
  const env = { ARR_REDIS_PASSWORD: REDIS_PASSWORD, ARR_LOG_LEVEL: 'trace' };
  const startWorker = (more: Record<string, string>): Promise<WorkerProcess> =>
    resources.use(new WorkerProcess(stack, { ...env, ...more }), (worker) => worker.kill());
  const [lacking, having] = [await startWorker({}), await startWorker({ ARR_SECRETS_FILE: file })];
  await until('the first to log what it lacks', () => lacking.log.includes('this worker lacks secrets'));
  await until('the second to take the queues', () => having.log.includes('takes jobs of a queue'));
  await Promise.all([lacking.stop(), having.stop()]);
  logs += lacking.log + having.log;
}

/** nginx quotes the request line in its warnings (docs/kong.md). */
const withoutRequestLines = (log: string): string => log.replaceAll(/request: "[^"]*"/g, '');

/** Those of the secrets that occur in the text. */
const foundIn = (text: string, secrets: readonly string[]): string[] =>
  secrets.filter((secret) => text.includes(secret));

const configured = (): string[] => [
  REDIS_PASSWORD,
  API_KEY,
  LOOPBACK_SECRET,
  ...KEYS,
  ...CALLBACK_SECRETS,
  ...[client.key, client.cert].map((pem) => pem.split('\n')[1] ?? ''),
];
const allTraffic = (): string[] => [...ROUTES, 'keyed', 'looped'].flatMap(trafficOf);

test('the run has provoked every kind of response and log message', () => {
  expect(responses.length).toBeGreaterThan(30);
  const words = [
    'this worker lacks secrets',
    'redis connection',
    'request not handled',
    'a try of a callback failed',
  ];
  expect(foundIn(logs, words)).toEqual(words);
  expect(adminOutput).toContain('sealed');
});

test('no log contains a configured secret, or anything that was sent or returned', () => {
  expect(foundIn(logs, [...configured(), ...allTraffic()])).toEqual([]);
});

test('no log contains the whole ID of a job without an owner', () => {
  expect(anonymousIds.length).toBeGreaterThan(10);
  expect(foundIn(logs, anonymousIds)).toEqual([]);
});

test('no problem and no status body contains a configured secret, or anything that was sent or returned', () => {
  expect(foundIn(responses.join('\n'), [...configured(), ...allTraffic()])).toEqual([]);
});

test('the admin command prints no secret, no traffic, and no whole ID of a job without an owner', () => {
  expect(foundIn(adminOutput, [...configured(), ...allTraffic(), ...anonymousIds])).toEqual([]);
});

test('no key and no value in Redis contains a configured secret', () => {
  // The API key is not configured in the plugin: a client has sent it.
  const secrets = configured().filter((secret) => secret !== API_KEY);
  expect(foundIn(redis, secrets)).toEqual([]);
});

test('Redis contains nothing in clear that was sent or returned on a route with encryption keys', () => {
  expect(foundIn(redis, trafficOf('sealed'))).toEqual([]);
});

test('Redis contains requests and responses in clear on a route without encryption keys, as the docs state', () => {
  const { authorization, cookie, field, query, body } = sentOn('clear');
  const returned = Object.values(returnedOn('clear'));
  const inClear = [authorization, cookie, field, query, body, ...returned, API_KEY];
  expect(foundIn(redis, inClear)).toEqual(inClear);
});
