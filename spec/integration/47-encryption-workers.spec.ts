// `encryption.keys` and workers of their own: they have the keys from their secrets file, and leave to others what they cannot
// decrypt. The gateway's side is in 47-encryption.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint } from '../../plugins/async-request-reply/secrets/fingerprint';
import { runAdmin } from '../helpers/admin-command';
import { newEncryptionKey, routeWithKeys } from '../helpers/encryption';
import { problemOf } from '../helpers/problem';
import type { RouteOptions } from '../helpers/stack/kong-config';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const LARGE_BYTES = 700_000;
const LACKS = 'this worker lacks secrets';
const [FIRST, SECOND] = [newEncryptionKey(), newEncryptionKey()];
const CALLBACK_SECRET = `whsec_${randomBytes(24).toString('base64')}`;

/** Nobody listens there. */
const target = { host: 'localhost', ports: [9], allow_private: true, secrets: [CALLBACK_SECRET] };
const told = { callback: { targets: [target] } };

const routes = (...mixedKeys: string[]): RouteOptions[] => [
  routeWithKeys('sealed', [FIRST]),
  routeWithKeys('mixed', mixedKeys),
  routeWithKeys('told', [FIRST], told),
];

const stack = useStack({ routes: routes(FIRST), env: { ARR_WORKER_THREADS: '0' } });
const startWorker = useWorkers(stack);
let directory: string;
useResources(async (resources) => {
  const made = mkdtempSync(join(tmpdir(), 'arr-keys-'));
  directory = await resources.use(made, () => rmSync(made, { recursive: true, force: true }));
});

const workerWith = (...keys: string[]): ReturnType<typeof startWorker> => {
  const file = join(directory, `${randomBytes(4).toString('hex')}.json`);
  writeFileSync(file, JSON.stringify(Object.fromEntries(keys.map((key, at) => [`key-${at}`, key]))), {
    mode: 0o600,
  });
  return startWorker({ ARR_SECRETS_FILE: file });
};
const post = async (path: string, body: Buffer | string = 'a'): Promise<string> =>
  (await stack().submit(path, { method: 'POST', body })).id;

test.each([
  ['small', 'body'],
  ['large', randomBytes(LARGE_BYTES)],
])('a worker with the key runs a %s request', async (size, body) => {
  const path = `/sealed/own-${size}`;
  stack().upstream.script(path, reply({ body }));
  const id = await post(path, body);
  workerWith(FIRST);

  expect((await stack().settled(path, id)).body.equals(Buffer.from(body))).toBe(true);
  const [call] = await stack().upstream.called(path);
  expect(call?.body.equals(Buffer.from(body))).toBe(true);
});

test('a worker without the key leaves the jobs to others, and logs which key it lacks', async () => {
  const id = await post('/sealed/lacking');
  const lacking = workerWith(SECOND);
  await until('the worker to say so', () => lacking.log.includes(LACKS));
  const status = (await stack().request(`/sealed/lacking?async-id=${id}`)).json();
  expect([status['state'], status['attempts']]).toEqual(['queued', 0]);
  expect(lacking.log).toContain(`encryption.keys[0] (fingerprint ${fingerprint(FIRST)})`);
  workerWith(FIRST);

  expect((await stack().settled('/sealed/lacking', id)).status).toBe(200);
});

test('a worker with only the current key leaves older requests to others', async () => {
  const old = await post('/mixed/old');
  await stack().applyRoutes(routes(SECOND, FIRST));
  const fresh = await post('/mixed/fresh');
  const lacking = workerWith(SECOND);
  expect((await stack().settled('/mixed/fresh', fresh)).status).toBe(200);
  await until('the worker to have met the older request', () =>
    lacking.log.includes(`(fingerprint ${fingerprint(FIRST)})`),
  );
  expect(stack().upstream.callsTo('/mixed/old')).toEqual([]);
  // Otherwise the two would take it alternately.
  await lacking.stop();
  workerWith(SECOND, FIRST);

  expect((await stack().settled('/mixed/old', old)).status).toBe(200);
  const told = lacking.log.split('\n').filter((line) => line.includes(LACKS) && line.includes('"mixed"'));
  expect(told).toHaveLength(1);
});

test.each([
  ['small', 'a', '0'],
  ['large', randomBytes(LARGE_BYTES), '2'],
])(
  'a manipulated %s request fails its job, and does not reach the upstream completely',
  async (size, body, chunk) => {
    const path = `/sealed/changed-${size}`;
    const id = await post(path, body);
    const key = `${stack().keyPrefix}:{${id}}:req`;
    const script = `local value = redis.call('HGET', KEYS[1], ARGV[1])
    return redis.call('HSET', KEYS[1], ARGV[1], 'x' .. value:sub(2))`;
    await stack().redis.command('EVAL', script, 1, key, chunk);
    workerWith(FIRST);
    const end = await stack().settled(path, id);

    expect(problemOf(end)).toEqual([502, 'request-unreadable']);
    expect(end.header('Proxy-Status')).toBe('async-request-reply; error=proxy_internal_error');
    expect(stack().upstream.callsTo(path)).toEqual([]);
  },
);

test('a worker without the key leaves callbacks to others, and a manipulated callback is abandoned', async () => {
  const path = '/told/a';
  const headers = { 'X-Async-Callback-Url': 'https://localhost:9/hook' };
  const { id } = await stack().submit(path, { method: 'POST', body: 'a', headers });
  const cancelled = await stack().request(`${path}?async-id=${id}`, { method: 'DELETE' });
  expect(cancelled.status).toBe(204);

  const lacking = workerWith(SECOND, CALLBACK_SECRET);
  await until('one to say what it lacks', () =>
    lacking.log.includes('leaves the callbacks that need it to other workers'),
  );
  expect(lacking.log).toContain(`"lacks":"encryption.keys (fingerprint ${fingerprint(FIRST)})"`);
  await lacking.stop();
  const having = workerWith(FIRST, CALLBACK_SECRET);
  await until('another to try it', () => having.log.includes('a try of a callback failed'));
  await having.stop();

  const key = `${stack().keyPrefix}:{${id}}:callback`;
  const script = `local terms = redis.call('HGET', KEYS[1], 'callback')
    return redis.call('HSET', KEYS[1], 'callback', terms:sub(1, 80) .. 'AAAA' .. terms:sub(85))`;
  await stack().redis.command('EVAL', script, 1, key);
  const last = workerWith(FIRST, CALLBACK_SECRET);
  await until('it to be given up', () => last.log.includes('the callback is dropped'));
  expect(last.log).not.toContain('a try of a callback failed');
});

test('the admin command shows a job without a key, and nothing that is encrypted', async () => {
  const id = await post('/sealed/shown');
  const env = { ARR_REDIS_PORT: String(stack().redis.port), ARR_KEY_PREFIX: stack().keyPrefix };
  const { stdout, code } = await runAdmin(['show', id, '--json'], env);

  expect(code).toBe(0);
  expect((JSON.parse(stdout) as { request: unknown }).request).toEqual({
    encrypted_with: fingerprint(FIRST),
  });
});
