// Ownership where it changes and where it could leak: what a foreign, an unknown and a malformed ID cost, and a consumer
// whose credential is taken away. The table of owners is in 03-poll-owner.
import { randomUUID } from 'node:crypto';
import { comparable } from '../helpers/comparable';
import type { HttpResponse } from '../helpers/http-client';
import { strangeJobId } from '../helpers/job-ids';
import { kongConfig, type RouteOptions } from '../helpers/stack/kong-config';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const ALICE_ID = '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7b01';
const ANYONE_ID = '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7b02';
const ALICE = { apikey: 'key-of-alice' };
const BOB = { apikey: 'key-of-bob' };

const queue = { name: 'shared' };
const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'] } };
const keyAuthOrAnyone = { name: 'key-auth', config: { key_names: ['apikey'], anonymous: ANYONE_ID } };

const routes: RouteOptions[] = [
  { name: 'keyed', plugins: [keyAuth] },
  { name: 'anyone', plugins: [keyAuthOrAnyone] },
  { name: 'by-credential', plugins: [keyAuthOrAnyone], config: { owner: 'credential' } },
  { name: 'by-header', config: { owner: 'header', owner_header: 'X-Tenant' } },
];

const consumers = (aliceKeys: object[]): object[] => [
  { id: ALICE_ID, username: 'alice', keyauth_credentials: aliceKeys },
  { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
  { id: ANYONE_ID, username: 'anyone' },
];

const KEY = { id: '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7b03', key: 'key-of-alice' };

const stack = useStack({
  shared: { queue },
  routes,
  extra: { consumers: consumers([KEY]) },
  // Nothing but the access side talks to Redis.
  env: { ARR_WORKER_THREADS: '0' },
});

const submitAs = async (path: string, headers: Record<string, string>): Promise<string> =>
  (await stack().submit(path, { method: 'POST', body: 'a', headers })).id;

/** Commands that Redis carried out while `work` ran, by name. */
async function commandsOf(work: () => Promise<HttpResponse>): Promise<[HttpResponse, string[]]> {
  const { redis } = stack();
  await redis.command('CONFIG', 'RESETSTAT');
  const response = await work();
  const stats = String(await redis.command('INFO', 'commandstats'));
  const own = /^(config\||info|client|hello|ping|quit)/;
  const commands = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    .filter(([, name = '']) => !own.test(name))
    .map(([, name = '', calls = '']) => `${name} ${calls}`);
  return [response, commands.sort()];
}

describe.each([
  ['a header poll', 'GET', (path: string) => path, true],
  ['the status URL', 'GET', (path: string, id: string) => `${path}?async-id=${id}`, false],
  ['the result URL', 'GET', (path: string, id: string) => `${path}?async-id=${id}&async-view=result`, false],
  ['a cancellation', 'DELETE', (path: string, id: string) => `${path}?async-id=${id}`, false],
] as const)('in %s', (_view, method, target, byHeader) => {
  const ask = (path: string, id: string): Promise<HttpResponse> =>
    stack().request(target(path, id), {
      method,
      headers: { ...BOB, 'X-Tenant': 'bob', ...(byHeader ? { 'X-Async-Kong-Id': id } : {}) },
    });

  test.each([
    ['/keyed', ALICE],
    ['/by-credential', ALICE],
    ['/by-header', { 'X-Tenant': 'alice' }],
  ])(
    '%s: the responses to a foreign, an unknown and a malformed ID are equal and cost the same',
    async (path, who) => {
      const foreign = await submitAs(path, who);
      const [unknown, unknownCost] = await commandsOf(() => ask(path, strangeJobId()));
      expect(unknown.status).toBe(404);
      expect(unknownCost).toEqual(['hgetall 1']);

      for (const id of [foreign, 'no-id', randomUUID(), `${foreign}0`]) {
        const [response, cost] = await commandsOf(() => ask(path, id));
        expect([id, comparable(response, id), cost]).toEqual([id, comparable(unknown, ''), unknownCost]);
      }
    },
  );
});

test('a consumer whose credential was deleted does not find its jobs, and finds them again with a new one', async () => {
  const { gateway, redis, keyPrefix, upstream } = stack();
  const shared = { queue, redis: { host: redis.host, port: redis.port, key_prefix: keyPrefix } };
  const give = async (keys: object[], isInForce: () => Promise<boolean>): Promise<void> => {
    await gateway.applyConfig(
      kongConfig({ routes, shared, extra: { consumers: consumers(keys) } }, upstream.url),
    );
    await until('the credentials to be in force', isInForce);
  };
  const look = (path: string, id: string, headers: Record<string, string>): Promise<HttpResponse> =>
    stack().request(path, { headers: { ...headers, 'X-Async-Kong-Id': id } });
  const mine = await submitAs('/keyed', ALICE);
  const keys = await submitAs('/by-credential', ALICE);
  expect((await look('/anyone', mine, ALICE)).status).toBe(202);

  await give([], async () => (await look('/keyed', mine, ALICE)).status === 401);
  expect((await look('/anyone', mine, ALICE)).status).toBe(404);
  expect((await look('/by-credential', keys, ALICE)).status).toBe(404);
  expect((await look('/anyone', mine, { 'X-Consumer-ID': ALICE_ID })).status).toBe(404);
  expect((await look('/keyed', mine, BOB)).status).toBe(404);

  const next = { apikey: 'next-key-of-alice' };
  await give([{ key: next.apikey }], async () => (await look('/keyed', mine, next)).status !== 401);
  expect((await look('/keyed', mine, next)).status).toBe(202);
  expect((await look('/anyone', mine, next)).status).toBe(202);
  // The credential was the owner, and it is gone.
  expect((await look('/by-credential', keys, next)).status).toBe(404);
});

test('owner: header rejects a submit without the header with 401 identity-required', async () => {
  const response = await stack().request('/by-header', { method: 'POST', body: 'a' });
  expect(response.status).toBe(401);
  expect(response.json()['type']).toBe('urn:problem:async-request-reply:identity-required');
});
