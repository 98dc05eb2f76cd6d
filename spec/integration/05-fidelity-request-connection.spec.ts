// docs/http.md, "The upstream call": what concerns one connection goes no further, and a client cannot abuse that.
import { expectSameRequest } from '../helpers/fidelity/expect-alike';
import { laneRoutes, type WireRequest } from '../helpers/fidelity/lanes';
import type { Changes } from '../helpers/fidelity/views';
import type { Field } from '../helpers/http/fields';
import { IS_HANDOFF_LANE } from '../helpers/lane';
import { useStack } from '../helpers/use-stack';

const stack = useStack({ routes: laneRoutes('fields') });

/** What was sent under a name, as the upstream got it from the worker. */
async function forwarded(headers: readonly Field[], name: string, changes: Changes = {}): Promise<string[]> {
  const { request } = await expectSameRequest(stack(), { target: '/fields', headers }, '/fields', changes);
  return request.headers(name);
}

describe('a field of one connection', () => {
  test.each<[string, readonly Field[]]>([
    ['Keep-Alive', [['Keep-Alive', 'timeout=5']]],
    ['Proxy-Connection', [['Proxy-Connection', 'keep-alive']]],
    ['Proxy', [['Proxy', 'http://evil.example']]],
    ['Expect', [['Expect', '100-continue']]],
    ['TE', [['TE', 'gzip;q=0.5']]],
    ['Upgrade', [['Upgrade', 'foo/2']]],
    [
      'Upgrade',
      [
        ['Connection', 'Upgrade, HTTP2-Settings'],
        ['Upgrade', 'h2c'],
        ['HTTP2-Settings', 'a'],
      ],
    ],
    [
      'X-Hop',
      [
        ['Connection', 'X-Hop'],
        ['X-Hop', 'a'],
        ['X-Stay', 'b'],
      ],
    ],
    [
      'X-Hop',
      [
        ['Connection', 'close, x-hop ,X-Other'],
        ['X-Hop', 'a'],
        ['X-Hop', 'b'],
        ['X-Other', 'c'],
      ],
    ],
    [
      'Cookie',
      [
        ['Connection', 'keep-alive, Cookie'],
        ['Cookie', 'a=1'],
      ],
    ],
  ])('%s does not go on', async (name, headers) => {
    expect(await forwarded(headers, name)).toEqual([]);
  });

  test.each<[string, readonly Field[], Changes]>([
    ['TE: trailers, which a stored response has none of', [['TE', 'gzip, trailers']], { te: null }],
    ['Trailer, of a request that is sent with a length', [['Trailer', 'X-Sum']], { trailer: null }],
    [
      'what a second Connection field names',
      [
        ['Connection', 'X-A'],
        ['Connection', 'X-B'],
        ['X-A', '1'],
        ['X-B', '2'],
      ],
      { 'x-b': null },
    ],
    [
      'a WebSocket upgrade',
      [
        ['Connection', 'Upgrade'],
        ['Upgrade', 'websocket'],
      ],
      { upgrade: null },
    ],
  ])('goes on from Kong but not from us: %s', async (_what, headers, changes) => {
    await forwarded(headers, 'Host', changes);
  });

  test('Expect: 100-continue does not hold the content back', async () => {
    const request: WireRequest = {
      method: 'POST',
      target: '/fields',
      headers: { Expect: '100-continue' },
      body: 'content',
    };

    const queued = await expectSameRequest(stack(), request, '/fields');

    expect(queued.request.header('Expect')).toBeUndefined();
    expect(queued.request.body.toString()).toBe('content');
  });
});

describe('Connection cannot take away', () => {
  test.each(['Host', 'Via', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-IP', 'X-Kong-Request-Id'])(
    '%s, no more than from Kong',
    async (name) => {
      expect(await forwarded([['Connection', name]], name)).toHaveLength(1);
    },
  );

  test.each([
    'Authorization',
    'Content-Type',
    'Content-MD5',
    'X-Consumer-Id',
    'X-Consumer-Custom-Id',
    'X-Consumer-Username',
    'X-Consumer-Groups',
    'X-Credential-Identifier',
    'X-Anonymous-Consumer',
    'X-Kong-Anything',
    'traceparent',
    'tracestate',
    'Idempotency-Key',
    'Prefer',
  ])('%s, although Kong lets it', async (name) => {
    const value = 'long-enough-to-be-an-idempotency-key';
    const headers: Field[] = [
      ['Connection', `keep-alive, ${name}`],
      [name, value],
    ];

    expect(await forwarded(headers, name, { [name.toLowerCase()]: [value] })).toEqual([value]);
  });

  test('the ID that we add', async () => {
    const { request, id } = await expectSameRequest(
      stack(),
      { target: '/fields', headers: { Connection: 'X-Async-Kong-Id' } },
      '/fields',
    );

    expect(request.jobId).toBe(id);
  });

  test('the content by naming its length, although Kong loses it', async () => {
    const headers = { Connection: 'Content-Length' };
    if (IS_HANDOFF_LANE && stack().gateway.kind === 'kong') {
      // What Kong proxies to the listener has neither: no job is made of half a request.
      const refused = await stack().request('/fields/length', { method: 'PUT', headers, body: 'content' });
      expect([refused.status, stack().upstream.callsTo('/fields/length')]).toEqual([400, []]);
      return;
    }
    const { id } = await stack().submit('/fields/length', { method: 'PUT', headers, body: 'content' });
    await stack().settled('/fields', id);

    const [call] = stack().upstream.callsOf(id);
    expect([call?.header('Content-Length'), call?.body.toString()]).toEqual(['7', 'content']);
  });
});
