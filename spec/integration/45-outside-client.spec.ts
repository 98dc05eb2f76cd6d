// The contract is enough: a client that knows nothing else gets the answers of routes of every kind.
import { randomUUID } from 'node:crypto';
import { call } from '../outside/polling-client';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const stack = useStack({
  routes: [
    { name: 'plain' },
    { name: 'elsewhere', config: { status_url: '/elsewhere/jobs/{id}' } },
    { name: 'resource', config: { on_complete: 'resource' } },
    { name: 'status', config: { on_complete: 'status' } },
    { name: 'post-only', route: { methods: ['POST'] } },
    { name: 'waits', config: { wait: { default_ms: 20_000, max_ms: 20_000 } } },
    { name: 'preferred', config: { intercept: 'prefer' as const }, isFailClosed: false },
    { name: 'once', config: { delete_after_read: true } },
    {
      name: 'fails',
      serviceUrl: 'http://127.0.0.1:1',
      config: { retry: { attempts: 1, connect_attempts: 1 } },
    },
    {
      name: 'checked',
      config: { request: { validation_timeout_ms: 10_000, body_schema: '{"required":["a"]}' } },
    },
  ],
});

const url = (path: string): string => `http://127.0.0.1:${String(stack().gateway.proxyPort)}${path}`;

const JSON_TYPE = { 'Content-Type': 'application/json' };

test.each([
  ['/plain/a?x=1', {}],
  ['/elsewhere/a', {}],
  ['/post-only/a', {}],
  ['/waits/a', {}],
  ['/preferred/a', { Prefer: 'respond-async' }],
  ['/preferred/b', {}],
  ['/once/a', {}],
  ['/checked/a', JSON_TYPE],
  ['/plain/b', { Prefer: 'wait=10' }],
  ['/plain/c', { 'Idempotency-Key': randomUUID() }],
])('%s is answered with what the upstream says', async (target, headers) => {
  const path = target.split('?')[0] ?? '';
  stack().upstream.script(path, reply({ status: 201, body: 'made' }));
  const outcome = await call(url(target), { method: 'POST', body: '{"a":1}', headers });

  expect([outcome.status, outcome.body, outcome.problem]).toEqual([201, 'made', undefined]);
  expect(stack().upstream.callsTo(path)).toHaveLength(1);
});

test('a GET, and a body of a megabyte each way, too', async () => {
  const body = 'large '.repeat(170_000);
  stack().upstream.script('/plain/large', reply({ body }));
  expect((await call(url('/plain/large'))).body).toBe(body);
  const sent = await call(url('/plain/large'), { method: 'PUT', body });
  expect([sent.status, sent.body.length]).toEqual([200, body.length]);
});

test('where a resource was created the client is led there, and where the status is all, it has that', async () => {
  stack().upstream.script('/resource/a', reply({ status: 201, headers: [['Location', url('/plain/made')]] }));
  const made = await call(url('/resource/a'), { method: 'POST', body: 'a' });
  expect(made.status).toBe(202);
  const status = await call(url('/status/a'), { method: 'POST', body: 'a' });
  expect([status.status, (JSON.parse(status.body) as { state: string }).state]).toEqual([200, 'completed']);
});

test.each([
  ['/fails/a', '{}', {}, 502, 'upstream-failed'],
  ['/checked/b', '{}', JSON_TYPE, 400, 'validation-failed'],
  ['/checked/b', 'a', { 'Content-Type': 'text/plain' }, 415, 'unsupported-media-type'],
  ['/plain/d', '{}', { 'Idempotency-Key': 'short' }, 400, 'idempotency-key-too-short'],
])('%s with %s is the problem that the contract names', async (path, body, headers, status, code) => {
  const outcome = await call(url(path), { method: 'POST', body, headers });
  expect([outcome.status, outcome.problem]).toEqual([status, `urn:problem:async-request-reply:${code}`]);
});
