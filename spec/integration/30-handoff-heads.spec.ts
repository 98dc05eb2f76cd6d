// Header sections that are large: nginx takes 4 KiB from an upstream, and from the handoff listener, and answers 502 to more.
import { randomBytes, randomUUID } from 'node:crypto';
import type { HttpResponse } from '../helpers/http-client';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

/** More than a body may have on the inline path. */
const HUGE = randomBytes(700_000);
const LARGE = randomBytes(200_000);
const SMALL = Buffer.from('small');

const stack = useStack({
  shared: { queue: { name: 'heads' } },
  routes: [
    { name: 'jobs' },
    { name: 'once', config: { delete_after_read: true } },
    { name: 'plain', config: false },
  ],
});

const longPath = (name: string): string => `/jobs/${name}/${'p'.repeat(4000)}`;

/** Fields of so many bytes, a hundred in each. */
function fieldsOf(bytes: number): [string, string][] {
  const count = Math.floor(bytes / 100);
  const rest = bytes - count * 100;
  const field = (n: number, size: number): [string, string] => {
    const name = `X-Field-${String(n)}`;
    return [name, 'v'.repeat(Math.max(size - name.length - 4, 0))];
  };
  return [
    ...Array.from({ length: count }, (_, n) => field(n, 100)),
    ...(rest > 20 ? [field(count, rest)] : []),
  ];
}

let paths = 0;

/** The result of a job whose response has these fields, and what a route without the plugin makes of them. */
async function bothWays(
  fields: [string, string][],
  body: Buffer,
): Promise<{ ours: HttpResponse; plain: HttpResponse; id: string }> {
  const name = String(++paths);
  for (const route of ['jobs', 'plain']) {
    stack().upstream.script(`/${route}/${name}`, reply({ headers: fields, body }));
  }
  const { id } = await stack().submit(`/jobs/${name}`);
  const ours = await stack().settled(`/jobs/${name}`, id);
  return { ours, plain: await stack().request(`/plain/${name}`), id };
}

describe('a submit to a path of 4,000 characters', () => {
  const submits: [string, () => object][] = [
    ['with 100 KB', () => ({ method: 'POST', body: randomBytes(100_000) })],
    ['with one chunk of a byte', () => ({ method: 'POST', chunks: ['a'] })],
    ['with a few bytes', () => ({ method: 'POST', body: 'a' })],
  ];

  test.each(submits)(
    'a submit %s to a path of 4,000 characters returns 202 with a Location that leads to its status',
    async (name, request) => {
      const path = longPath(name.replaceAll(' ', '-'));
      const { id, response } = await stack().submit(path, request());
      const location = String(response.header('Location'));
      const status = new URL(location, `http://gateway.test${path}`);
      await stack().settled(path, id);
      const settled = await stack().request(`${status.pathname}${status.search}`);
      const result = new URL(String(settled.header('Location')), status);

      expect(location).toBe(`?async-id=${id}`);
      expect(settled.status).toBe(303);
      expect((await stack().request(`${result.pathname}${result.search}`)).status).toBe(200);
    },
  );

  test('is repeated under its idempotency key', async () => {
    const path = longPath('key');
    const request = { method: 'POST', body: LARGE, headers: { 'Idempotency-Key': randomUUID() } };
    const first = await stack().submit(path, request);
    const second = await stack().submit(path, request);

    expect(second.id).toBe(first.id);
    await stack().settled(path, first.id);
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });
});

describe.each([
  ['5 bytes', SMALL],
  ['200 KB', LARGE],
  ['700 KB', HUGE],
])('a response of %s', (_size, body) => {
  test.each([3000, 3500, 3600, 3700, 3750, 3800, 3850, 3900, 3950, 4000])(
    'a response with fields of %i bytes is replayed if Kong sends it without the plugin',
    async (bytes) => {
      const fields = fieldsOf(bytes);
      const { ours, plain, id } = await bothWays(fields, body);
      if (plain.status === 502) {
        // Kong refuses it; the replay may be there all the same.
        expect([200, 502]).toContain(ours.status);
        expect(ours.header('X-Async-Kong-Id')).toBe(id);
        return;
      }

      expect([ours.status, ours.body.equals(body)]).toEqual([200, true]);
      expect(fields.map(([name]) => ours.header(name))).toEqual(fields.map(([, value]) => value));
      expect(ours.headers('X-Async-Kong-Id')).toEqual([id]);
      expect(ours.headers('Cache-Control')).toEqual(['private']);
      expect(ours.header('Repr-Digest')).toMatch(/^sha-256=/);
      expect(ours.header('Vary')).toContain('X-Async-Kong-Id');
      expect(ours.header('Age')).toMatch(/^\d+$/);
    },
  );
});

test('a response of 200 KB is replayed with fields that are too large for nginx', async () => {
  const fields = fieldsOf(12_000);
  const { ours, plain } = await bothWays(fields, LARGE);

  expect(plain.status).toBe(502);
  expect([ours.status, ours.body.equals(LARGE)]).toEqual([200, true]);
  expect(fields.map(([name]) => ours.header(name))).toEqual(fields.map(([, value]) => value));
});

test.each([
  ['700 KB with fields of 8,000 bytes', 8000, HUGE],
  ['5 bytes with fields of 40,000', 40_000, SMALL],
])('a response of %s fails its job with a problem that states why', async (_what, bytes, body) => {
  const { ours, id } = await bothWays(fieldsOf(bytes), body);

  expect(ours.status).toBe(502);
  expect(ours.json()['type']).toBe('urn:problem:async-request-reply:response-too-large');
  expect(ours.header('Proxy-Status')).toContain('http_response_header_section_size');
  expect(ours.header('X-Async-Kong-Id')).toBe(id);
});

test.each(['jobs', 'once'])(
  'a waiting upload on route %s returns a link to its result if nginx cannot take the fields, and a poll replays them',
  async (route) => {
    const path = `/${route}/waits`;
    const fields = fieldsOf(8000);
    stack().upstream.script(path, reply({ headers: fields, body: SMALL }));
    const request = { method: 'POST', body: LARGE, headers: { Prefer: 'wait=40' } };
    const { id, response } = await stack().submit(path, request);
    const result = await stack().poll(path, id);

    expect([response.json()['state'], response.header('Location')]).toEqual([
      'completed',
      `${path}?async-id=${id}`,
    ]);
    expect([result.status, result.text]).toEqual([200, 'small']);
    expect(result.header('X-Field-0')).toBe(fields[0]?.[1]);
  },
);
