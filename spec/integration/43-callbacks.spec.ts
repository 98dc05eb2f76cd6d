// docs/http.md, "Callback": at settle a signed POST, retried, to receivers that the route has a target for, and to no others.
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { CallbackReceiver, type Callback } from '../helpers/callback-receiver';
import { CertificateAuthority } from '../helpers/certificates';
import { newEncryptionKey } from '../helpers/encryption';
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { startStack, type Stack } from '../helpers/stack';
import { until } from '../helpers/until';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { useWorkers } from '../helpers/use-workers';

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const SECRET = newSecret();
const OLD_SECRET = newSecret();
const OTHERS_SECRET = newSecret();

let authority: CertificateAuthority;
let receiver: CallbackReceiver;
let slow: CallbackReceiver;
let stack: Stack;

useResources(async (resources) => {
  authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  const identity = authority.issue('receiver', ['DNS:localhost', 'IP:127.0.0.1']);
  receiver = await resources.use(CallbackReceiver.start(identity), (started) => started.stop());
  slow = await resources.use(CallbackReceiver.start(identity), (started) => started.stop());
  const callback = (targets: object[]): object => ({
    callback: { base_url: 'https://api.example.com/base/', targets },
  });
  const ports = [receiver.port, slow.port];
  const ours = { host: 'LocalHost', ports, secrets: [SECRET, OLD_SECRET], allow_private: true };
  const other = { host: '127.0.0.1', ports, secrets: [OTHERS_SECRET], allow_private: true };
  const starting = startStack({
    routes: [
      { name: 'told', config: callback([ours, other]) },
      {
        name: 'strict',
        config: callback([
          { host: 'localhost', ports, secrets: [SECRET] },
          { host: '127.0.0.1', ports, secrets: [SECRET] },
          { host: '*.example.com', secrets: [SECRET] },
        ]),
      },
      { name: 'untold' },
      { name: 'sealed', config: { ...callback([ours]), encryption: { keys: [newEncryptionKey()] } } },
      { name: 'status', config: { ...callback([ours]), status_url: '/status/jobs/{id}' } },
    ],
    env: { NODE_EXTRA_CA_CERTS: authority.certFile },
  });
  stack = await resources.use(starting, (started) => started.close());
});

const startWorker = useWorkers(() => stack);

const urlOf = (path: string, host = 'localhost'): string => `https://${host}:${receiver.port}${path}`;

const submit = async (route: string, callback: string): Promise<string> =>
  (await stack.submit(route, { method: 'POST', body: 'a', headers: { 'X-Async-Callback-Url': callback } }))
    .id;

/** What a receiver does: throws if the signature is invalid. */
const verified = ({ body, headers }: Callback, secret = SECRET): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

/** Jobs whose callback is still to be delivered. */
async function waiting(): Promise<string[]> {
  const keys = (await stack.redis.keys()).filter((key) => key.endsWith(':callbacks'));
  const lists = await Promise.all(keys.map((key) => stack.redis.command('ZRANGE', key, 0, -1)));
  return lists.flat() as string[];
}

test('a settled job is notified by a POST that Standard Webhooks verifies, with absolute links', async () => {
  stack.upstream.script('/told/a', reply({ status: 201, body: 'made' }));
  const id = await submit('/told/a?x=1', urlOf('/hook?token=t'));
  const [call] = await receiver.called('/hook?token=t');

  const told = verified(call as Callback) as Record<string, unknown>;
  expect(told).toMatchObject({ id, state: 'completed', attempts: 1, upstream_status: 201 });
  expect(told['links']).toEqual({
    status: `https://api.example.com/base/told/a?async-id=${id}`,
    result: `https://api.example.com/base/told/a?async-id=${id}&async-view=result`,
  });
  expect(call?.headers['content-type']).toBe('application/json');
  expect(call?.headers['webhook-id']).toContain(id);
  await until('the list to be empty', async () => !(await waiting()).includes(id));
});

test('a job whose callback is stored encrypted is notified', async () => {
  const id = await submit('/sealed/a', urlOf('/hook-of-sealed'));
  const [call] = await receiver.called('/hook-of-sealed');
  expect(verified(call as Callback)).toMatchObject({ id, state: 'completed' });
  const stored = await stack.redis.command('HGET', `${stack.keyPrefix}:{${id}}:job`, 'callback');
  expect(stored).toMatch(/^[A-Za-z0-9+/=]+$/);
});

test('a callback is signed with the first secret of its target, and with no other', async () => {
  await submit('/told/first', urlOf('/first'));
  await submit('/told/first', urlOf('/second', '127.0.0.1'));
  const [first] = await receiver.called('/first');
  const [second] = await receiver.called('/second');

  expect(() => verified(first as Callback, OLD_SECRET)).toThrow();
  expect(() => verified(first as Callback, OTHERS_SECRET)).toThrow();
  verified(first as Callback);
  expect(() => verified(second as Callback)).toThrow();
  verified(second as Callback, OTHERS_SECRET);
});

test('a cancelled job is notified with the links of status_url', async () => {
  const latch = new Latch();
  stack.upstream.script('/status/a', heldBy(latch, reply()));
  const id = await submit('/status/a', urlOf('/cancelled'));
  await stack.upstream.called('/status/a');
  await stack.request(`/status/jobs/${id}`, { method: 'DELETE' });
  const [call] = await receiver.called('/cancelled');
  latch.open();

  expect(verified(call as Callback)).toMatchObject({
    state: 'cancelled',
    links: { status: `https://api.example.com/base/status/jobs/${id}` },
  });
});

test('a callback with a status other than 2xx, also a redirect, is retried with the same webhook-id', async () => {
  receiver.script(
    '/again',
    { status: 302, headers: { Location: urlOf('/elsewhere') } },
    { status: 500, headers: { 'Retry-After': '1' } },
    { status: 200 },
  );
  await submit('/told/again', urlOf('/again'));
  const calls = await receiver.called('/again', 3);

  expect(new Set(calls.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  calls.forEach((call) => verified(call));
  expect(receiver.callsTo('/elsewhere')).toEqual([]);
});

test('a receiver that never responds does not delay others', async () => {
  slow.script('/never', { status: 200, after: new Promise(() => undefined) });
  const never = urlOf('/never').replace(String(receiver.port), String(slow.port));
  await Promise.all(Array.from({ length: 40 }, () => submit('/told/slow', never)));
  await slow.called('/never');
  await submit('/told/quick', urlOf('/quick'));
  await receiver.called('/quick');

  // No try of it has come to its end.
  expect(slow.abandoned).toBe(0);
  expect(slow.calls.length).toBeLessThanOrEqual(10);
});

test('a callback that is answered with 410 is not retried', async () => {
  receiver.script('/unwanted', { status: 410 });
  const id = await submit('/told/unwanted', urlOf('/unwanted'));
  await receiver.called('/unwanted');
  await until('the list to be empty', async () => !(await waiting()).includes(id));
  const left = (await stack.redis.keys()).filter((key) => key.includes(id) && key.endsWith(':callback'));
  expect(left).toEqual([]);
  expect(receiver.callsTo('/unwanted')).toHaveLength(1);
});

test('a callback is delivered by another worker if the first is killed during it', async () => {
  const latch = new Latch();
  receiver.script('/killed', { status: 204, after: latch.opened });
  const id = await submit('/told/killed', urlOf('/killed'));
  await receiver.called('/killed');
  await stack.killPluginServer();
  latch.open();
  await stack.pluginServerBack('/told');
  // Nobody waits here for the minute in which the first had it alone.
  const [key = ''] = (await stack.redis.keys()).filter((name) => name.endsWith(':callbacks'));
  await stack.redis.command('ZADD', key, 'XX', 1, id);

  const calls = await receiver.called('/killed', 2);
  expect([...new Set(calls.map((call) => (verified(call) as { id: string }).id))]).toEqual([id]);
});

test('a worker without the secret leaves the callback to others, and logs that', async () => {
  const worker = startWorker({ NODE_EXTRA_CA_CERTS: authority.certFile });
  await until('the worker to say what it lacks', () => worker.log.includes('this worker lacks secrets'));
  expect(worker.log).toContain('callback.targets[0].secrets[0]');
  expect(worker.log).not.toContain('whsec_');
});

test('neither Redis nor the log contains the secret of a callback', async () => {
  await submit('/told/secret', urlOf('/secret'));
  await receiver.called('/secret');
  const keys = (await stack.redis.keys()).filter((key) => /:(job|callback)$|:settings:/.test(key));
  const dumps = await Promise.all(keys.map((key) => stack.redis.command('DUMP', key)));
  const all = `${dumps.map(String).join()}${await stack.gateway.log()}`;
  for (const secret of [SECRET, OLD_SECRET, OTHERS_SECRET]) expect(all).not.toContain(secret.slice(6));
});

test('a host that is, or resolves to, a loopback address is not called unless the target allows it', async () => {
  const before = receiver.calls.length;
  await submit('/strict/a', urlOf('/private'));
  await submit('/strict/a', urlOf('/private', '127.0.0.1'));
  await until('both to be tried', async () => {
    const ids = await waiting();
    const tries = await Promise.all(
      ids.map((id) => stack.redis.command('HGET', `${stack.keyPrefix}:{${id}}:callback`, 'callback_tries')),
    );
    return tries.filter((count) => Number(count) > 0).length >= 2;
  });
  expect(receiver.calls).toHaveLength(before);
});

describe('an invalid callback URL is 400 invalid-callback-url', () => {
  const ask = (value: string): Promise<HttpResponse> =>
    stack.request('/strict/bad', { method: 'POST', body: 'a', headers: { 'X-Async-Callback-Url': value } });

  test.each([
    ['http', () => 'http://localhost/'],
    ['another scheme', () => 'ftp://localhost/'],
    ['no URL', () => 'localhost'],
    ['another host', () => urlOf('/', 'localhost.example.org')],
    ['another port', () => 'https://localhost/'],
    ['a host that the suffix is not part of', () => 'https://badexample.com/'],
    ['the suffix itself', () => 'https://example.com/'],
    ['a port that is not the target\u2019s', () => 'https://a.example.com:444/'],
    ['a user', () => `https://user@localhost:${receiver.port}/`],
    ['an empty user', () => `https://@localhost:${receiver.port}/`],
    ['a password', () => `https://user:secret@localhost:${receiver.port}/`],
    ['a user that looks like the host', () => 'https://a.example.com:443@evil.org/'],
    ['a backslash', () => 'https://evil.org\\@a.example.com/'],
    ['a host in brackets', () => 'https://[::1]/'],
    ['a decimal address', () => `https://2130706434:${receiver.port}/`],
    ['an empty value', () => ''],
    ['a space', () => 'https://a.example.com/ b'],
    ['too long', () => `https://a.example.com/${'a'.repeat(2048)}`],
  ])('%s', async (_what, url) => {
    expect(problemOf(await ask(url()))).toEqual([400, 'invalid-callback-url']);
  });

  test('sent twice', async () => {
    const headers: [string, string][] = [
      ['X-Async-Callback-Url', 'https://a.example.com/'],
      ['X-Async-Callback-Url', 'https://a.example.com/'],
    ];
    expect(problemOf(await stack.request('/strict/bad', { method: 'POST', body: 'a', headers }))).toEqual([
      400,
      'invalid-callback-url',
    ]);
  });
});

test('a route without targets sends no callbacks', async () => {
  const id = await submit('/untold/a', urlOf('/untold'));
  await stack.settled('/untold/a', id);
  expect((await waiting()).includes(id)).toBe(false);
  expect(receiver.callsTo('/untold')).toEqual([]);
});
