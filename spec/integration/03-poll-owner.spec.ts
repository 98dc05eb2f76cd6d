// docs/http.md, "Poll": who finds a job, on routes with key-auth, with its shared anonymous consumer, and with neither.
import { comparable } from '../helpers/comparable';
import type { HttpResponse } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId } from '../helpers/job-ids';
import { useStack } from '../helpers/use-stack';

const ALICE_ID = '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7a01';
const ANYONE_ID = '6a1f3f5e-63a5-4b4c-8f5c-6b1d3e0b7a02';

type Headers = Record<string, string>;
const ALICE: Headers = { apikey: 'key-of-alice' };
const ALICE_OTHERWISE: Headers = { apikey: 'other-key-of-alice' };
const BOB: Headers = { apikey: 'key-of-bob' };
const NOBODY: Headers = {};
const FORGED: Headers = {
  'X-Consumer-ID': ALICE_ID,
  'X-Consumer-Username': 'alice',
  'X-Credential-Identifier': 'key-of-alice',
};

const queue = { name: 'shared' };
const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'] } };
const keyAuthOrAnyone = { name: 'key-auth', config: { key_names: ['apikey'], anonymous: ANYONE_ID } };

const stack = useStack({
  shared: { queue },
  routes: [
    { name: 'keyed', plugins: [keyAuth] },
    { name: 'anyone', plugins: [keyAuthOrAnyone] },
    { name: 'open' },
    { name: 'by-consumer', plugins: [keyAuthOrAnyone], config: { owner: 'consumer' } },
    { name: 'by-credential', plugins: [keyAuthOrAnyone], config: { owner: 'credential' } },
    { name: 'by-header', config: { owner: 'header', owner_header: 'X-Tenant' } },
    { name: 'by-nothing', plugins: [keyAuth], config: { owner: 'none' } },
  ],
  extra: {
    consumers: [
      {
        id: ALICE_ID,
        username: 'alice',
        keyauth_credentials: [{ key: 'key-of-alice' }, { key: 'other-key-of-alice' }],
      },
      { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
      { id: ANYONE_ID, username: 'anyone' },
    ],
  },
});

async function submitAs(path: string, who: Headers): Promise<string> {
  const { id } = await stack().submit(path, { method: 'POST', body: 'a', headers: who });
  await stack().upstream.called(path);
  return id;
}

type Look = (path: string, id: string, who: Headers) => Promise<HttpResponse>;
const VIEWS: [string, Look][] = [
  ['a header poll', (path, id, who) => stack().request(path, { headers: { ...who, [ID_HEADER]: id } })],
  ['the status URL', (path, id, who) => stack().request(`${path}?async-id=${id}`, { headers: who })],
  [
    'the result URL',
    (path, id, who) => stack().request(`${path}?async-id=${id}&async-view=result`, { headers: who }),
  ],
];

describe.each(VIEWS)('in %s', (_view, look) => {
  test.each([
    ['a consumer finds her job', '/keyed', ALICE, '/keyed', ALICE],
    ['a consumer finds her job with another of her keys', '/keyed', ALICE, '/keyed', ALICE_OTHERWISE],
    ['a consumer finds her job on another route of the queue', '/keyed', ALICE, '/anyone', ALICE],
    ['nobody finds the job of nobody, by its ID', '/open', NOBODY, '/open', NOBODY],
    ['the shared anonymous consumer is nobody', '/anyone', NOBODY, '/open', NOBODY],
    ['a job of nobody is found by a consumer that has the ID', '/anyone', NOBODY, '/anyone', BOB],
    ['a forged consumer header makes nobody an owner', '/open', FORGED, '/open', NOBODY],
    ['a consumer finds her job, owner: consumer', '/by-consumer', ALICE, '/by-consumer', ALICE_OTHERWISE],
    ['a credential finds its job, owner: credential', '/by-credential', ALICE, '/by-credential', ALICE],
    [
      'a header finds its job, owner: header',
      '/by-header',
      { 'X-Tenant': 'a' },
      '/by-header',
      { 'X-Tenant': 'a' },
    ],
    ['whoever has the ID finds the job, owner: none', '/by-nothing', ALICE, '/by-nothing', BOB],
  ] as [string, string, Headers, string, Headers][])('%s', async (_title, home, owner, path, caller) => {
    const id = await submitAs(home, owner);

    const response = await look(path, id, caller);

    expect([200, 202, 303]).toContain(response.status);
    expect(response.header(ID_HEADER)).toBe(id);
  });

  test.each([
    ['another consumer does not find a job', '/keyed', ALICE, '/keyed', BOB],
    ['nobody does not find the job of a consumer', '/keyed', ALICE, '/open', NOBODY],
    ['the shared anonymous consumer does not find it', '/keyed', ALICE, '/anyone', NOBODY],
    ['a forged consumer header finds nothing', '/keyed', ALICE, '/open', FORGED],
    ['a forged consumer header of the anonymous consumer finds nothing', '/keyed', ALICE, '/anyone', FORGED],
    [
      'another credential does not find a job, owner: credential',
      '/by-credential',
      ALICE,
      '/by-credential',
      ALICE_OTHERWISE,
    ],
    [
      'another header does not find a job, owner: header',
      '/by-header',
      { 'X-Tenant': 'a' },
      '/by-header',
      { 'X-Tenant': 'b' },
    ],
  ] as [string, string, Headers, string, Headers][])(
    '%s, and receives the response for an unknown job',
    async (_title, home, owner, path, caller) => {
      const id = await submitAs(home, owner);
      const unknown = strangeJobId();

      const foreign = await look(path, id, caller);

      expect(foreign.status).toBe(404);
      expect(comparable(foreign, id)).toEqual(comparable(await look(path, unknown, caller), unknown));
    },
  );
});

describe('a route that requires an owner', () => {
  test.each(['/by-consumer', '/by-credential'])(
    '%s without an identity returns 401 identity-required',
    async (path) => {
      for (const who of [NOBODY, FORGED]) {
        const response = await stack().request(`${path}/refused`, {
          method: 'POST',
          body: 'a',
          headers: who,
        });

        expect(response.status).toBe(401);
        expect(response.header('Content-Type')).toBe('application/problem+json');
        expect(response.json()['type']).toMatch(/identity-required$/);
      }
      expect(stack().upstream.callsTo(`${path}/refused`)).toEqual([]);
    },
  );
});
