// docs/kong.md, "The handoff path": what nginx takes of a client goes through it, also what the parser of Node.js would refuse.
import { expectSameRequest } from '../helpers/fidelity/expect-alike';
import { laneRoutes, type WireRequest } from '../helpers/fidelity/lanes';
import type { Changes } from '../helpers/fidelity/views';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

/** As they stand on the wire, bytes as Latin-1. */
const TARGETS: [what: string, target: string][] = [
  ['a byte over 127 in the query', '/odd/a?q=\xc3'],
  ['bytes over 127 in path and query', '/odd/caf\xc3\xa9?\xff\xfe=\x80'],
  ['what RFC 3986 has not in a query', '/odd/a?"<>\\^`{|}\'[]'],
  ['what RFC 3986 has not in a path', '/odd/a"<>\\^`{|}[]?'],
  ['a fragment', '/odd/a?b#c'],
  ['thousands of bytes over 127', `/odd/a?long=${'\xe9'.repeat(7000)}`],
];

const METHODS = ['GET', 'POST', 'FOO', 'M-SEARCH'];

const SMALL = 'small';
const LARGE = 'large '.repeat(30_000);

const stack = useStack({ routes: laneRoutes('odd', { config: { methods: METHODS } }) });

/** Unbuffered or not, nginx says the length of what it carries; undici says it of what has content. */
const sent = (request: WireRequest, changes: Changes = {}): Promise<unknown> =>
  expectSameRequest(stack(), request, '/odd', changes);

describe.each([
  ['small', SMALL],
  ['large', LARGE],
])('with a %s body', (_size, body) => {
  test.each(TARGETS)(
    'the upstream gets the target that it would get without the plugin: %s',
    async (_what, target) => {
      await sent({ method: 'POST', target, body });
    },
  );

  test.each(METHODS)('the upstream gets the method %s', async (method) => {
    await sent({ method, target: '/odd/method', body });
  });

  test('the upstream gets bytes over 127 in a field', async () => {
    await sent({ method: 'POST', target: '/odd/field', body, headers: { 'X-Odd': 'caf\xc3\xa9 \xff' } });
  });

  test('a control character in a field is refused', async () => {
    const headers = { 'X-Odd': 'a\x01b' };

    const response = await stack().request('/odd/control', { method: 'POST', body, headers });

    expect([response.status, response.json()['type']]).toEqual([
      400,
      'urn:problem:async-request-reply:invalid-header',
    ]);
  });
});

test.each(TARGETS)(
  'the links for a request with %s are valid URIs that lead to the job',
  async (_what, target) => {
    const { id, response } = await stack().submit(target, { method: 'POST', body: SMALL });

    const location = response.header('Location') ?? '';
    expect(location).toMatch(/^\/odd\/[\x21-\x7e]+$/);
    expect(response.json()['links']).toMatchObject({ status: location });
    await stack().settled(target, id);
    expect((await stack().request(location)).status).toBe(303);
  },
);

describe('a large result is replayed to a poll', () => {
  const path = '/odd/result';

  async function largeResult(): Promise<string> {
    stack().upstream.script(path, reply({ body: LARGE }));
    const { id } = await stack().submit(path, { method: 'POST' });
    await stack().settled(path, id);
    return id;
  }

  test.each(TARGETS)('at a target with %s', async (_what, target) => {
    const response = await stack().poll(target, await largeResult());

    expect([response.status, response.text === LARGE]).toEqual([200, true]);
  });

  test.each(METHODS)('with method %s', async (method) => {
    const response = await stack().poll(path, await largeResult(), { method });

    expect([response.status, response.text === LARGE]).toEqual([200, true]);
  });

  test.each(['a\x01b', 'a\x7fb', 'caf\xc3\xa9'])('with a field that holds %j', async (value) => {
    const headers = { 'X-Async-Kong-Id': await largeResult(), 'X-Odd': value };

    const response = await stack().request(path, { headers });

    expect([response.status, response.text === LARGE]).toEqual([200, true]);
  });
});
