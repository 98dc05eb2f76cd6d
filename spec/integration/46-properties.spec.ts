// Whatever a stranger sends: no crash, no 500, nothing past the queue, nothing of another's job. fast-check tells the seed and the
// smallest case where one of these fails; PROPERTY_RUNS sets how many are tried.
import fc from 'fast-check';
import type { HttpResponse } from '../helpers/http-client';
import { TEST_TIMEOUT_MS } from '../helpers/patience';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 60);
const SECRET = 'secret-of-alice';
const ALICE = { apikey: 'key-of-alice' };
const BOB: [string, string] = ['apikey', 'key-of-bob'];

const stack = useStack({
  routes: [
    { name: 'open', config: { queue: { priority_header: 'X-Priority', delay_header: 'X-Start' } } },
    { name: 'keyed', plugins: [{ name: 'key-auth', config: { key_names: ['apikey'] } }] },
    {
      name: 'checked',
      config: {
        request: {
          validation_timeout_ms: 10_000,
          body_schema: '{"type":"object","properties":{"a":{"type":"integer"}}}',
          query_schema: '{"properties":{"n":{"type":"integer"}}}',
          headers_schema: '{"properties":{"x-n":{"type":"integer"}}}',
        },
      },
    },
  ],
  extra: {
    consumers: [
      { username: 'alice', keyauth_credentials: [{ key: 'key-of-alice' }] },
      { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
    ],
  },
});

jest.setTimeout(TEST_TIMEOUT_MS + RUNS * 500);

type Field = [string, string];

/** Names that the plugin, or Kong, has an eye on; framing is left to the client. */
const knownName = fc.constantFrom(
  'Prefer',
  'Idempotency-Key',
  'X-Async-Callback-Url',
  'X-Priority',
  'X-Start',
  'Content-Type',
  'Cookie',
  'X-Async-Kong-Id',
  'X-Async-Kong-Handoff',
  'X-Consumer-ID',
  'X-Forwarded-For',
  'Authorization',
  'Range',
  'If-None-Match',
  'TE',
  'Trailer',
  '__proto__',
  'constructor',
  'X-N',
  'Via',
  'traceparent',
  'Upgrade',
);
const name = fc.oneof(knownName, fc.stringMatching(/^X-[A-Za-z0-9-]{1,12}$/));
const value = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '5',
    '"',
    '""',
    ',',
    ';',
    'wait=',
    'wait=1e9',
    'respond-async;;',
    '__proto__',
  ),
  fc.stringMatching(/^[\x21-\x7e\xa0-\xff][\x20-\x7e\xa0-\xff]{0,40}$/),
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 8 });
const queryText = fc.stringMatching(/^[A-Za-z0-9%&=._~+/:@!$'()*,;?-]{0,60}$/);
const body = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  fc
    .constantFrom('{"a":1,"a":2}', '{"__proto__":{"a":1}}', '[', '\ufeff{}', '1e999')
    .map((text) => Buffer.from(text)),
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE');

const strayCalls = (path: string): number =>
  stack()
    .upstream.callsTo(path)
    .filter(({ jobId }) => jobId === undefined).length;

/** A problem of the plugin, or nginx's own refusal of what is no HTTP. */
function expectNoFault({ status, text }: HttpResponse): void {
  expect([status, text.slice(0, 200), status < 500]).toEqual([status, text.slice(0, 200), true]);
}

test('a submit is accepted, or rejected with a 4xx, whatever its headers, query and body', async () => {
  const route = fc.constantFrom('/open/any', '/checked/any');
  await fc.assert(
    fc.asyncProperty(route, method, fields, queryText, body, async (path, verb, headers, query, bytes) => {
      const before = strayCalls(path);
      const response = await stack().request(`${path}?${query}`, { method: verb, headers, body: bytes });
      expectNoFault(response);
      expect(response.status === 202 || (response.status >= 400 && response.status < 500)).toBe(true);
      expect(strayCalls(path)).toBe(before);
    }),
    { numRuns: RUNS },
  );
});

test('no caller sees a job of another, however the ID is written', async () => {
  const path = '/keyed/alice';
  stack().upstream.script(path, reply({ body: SECRET }), reply({ body: 'of somebody else' }));
  const { id } = await stack().submit(path, { method: 'POST', body: 'a', headers: ALICE });
  await stack().upstream.called(path);
  const written = fc.constantFrom(
    id,
    id.toUpperCase(),
    ` ${id}`,
    `${id} `,
    `"${id}"`,
    `{${id}}`,
    `${id}0`,
    id.slice(1),
    `${id},${id}`,
    id.replaceAll('-', ''),
    id.replaceAll('-', '%2D'),
    `${id}%00`,
    `%20${id}`,
    '',
    '*',
    '..',
    '__proto__',
  );
  const argument = fc.constantFrom('async-id', 'async%2Did', 'ASYNC-ID', 'async-id%20');
  const view = fc.constantFrom('', '&async-view=result', '&async-view=status', '&async-view');
  const byQuery = fc.tuple(argument, written, view).map(([key, text, rest]) => ({
    query: `?${key}=${text.replaceAll(/[ "{}]/g, encodeURIComponent)}${rest}`,
    headers: [] as Field[],
  }));
  const byHeader = written.map((text) => ({ query: '', headers: [['X-Async-Kong-Id', text]] as Field[] }));
  await fc.assert(
    fc.asyncProperty(fc.oneof(byQuery, byHeader), method, fields, async (asked, verb, more) => {
      const before = stack().upstream.callsOf(id).length;
      const response = await stack().request(`${path}${asked.query}`, {
        method: verb,
        headers: [BOB, ...asked.headers, ...more],
      });
      expectNoFault(response);
      // A name that is not the argument's makes a submit of Bob's own.
      if (response.status !== 202) expect(response.header('X-Async-Kong-Id')).not.toBe(id);
      else expect(response.json()['id']).not.toBe(id);
      expect(response.text).not.toContain(SECRET);
      expect(stack().upstream.callsOf(id)).toHaveLength(before);
      expect(strayCalls(path)).toBe(0);
    }),
    { numRuns: RUNS },
  );
  const mine = await stack().request(path, { headers: { ...ALICE, 'X-Async-Kong-Id': id } });
  expect([200, 202]).toContain(mine.status);
});
