// docs/http.md, "Prefer": which requests become jobs on a route for those who prefer it.
import { ID_HEADER } from '../helpers/id-header';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const VARY = 'X-Async-Kong-Id, Prefer';

const stack = useStack({
  routes: [
    { name: 'prefer', isFailClosed: false, config: { intercept: 'prefer' } },
    { name: 'always', config: { intercept: 'always' } },
    { name: 'sockets', isFailClosed: false, config: { pass_websocket: true } },
  ],
});

describe('intercept: prefer', () => {
  test.each<[string, [string, string][]]>([
    ['in a line of its own', [['Prefer', 'respond-async']]],
    ['among others', [['Prefer', 'return=minimal, Respond-Async; x=y, foo="a, b"']]],
    [
      'in a later line',
      [
        ['Prefer', 'return=minimal'],
        ['prefer', 'respond-async'],
      ],
    ],
  ])('intercept: prefer makes a job of a request with Prefer: respond-async %s', async (_where, headers) => {
    const path = '/prefer/taken';
    const { id, response } = await stack().submit(path, { method: 'POST', body: 'a', headers });
    await stack().settled(path, id);

    expect(response.header('Preference-Applied')).toBe('respond-async');
    expect(response.header('Vary')).toBe(VARY);
    const [call] = stack().upstream.callsOf(id);
    // RFC 7240, 2: Prefer is end-to-end.
    expect(call?.headers('Prefer').join(', ')).toBe(headers.map(([, value]) => value).join(', '));
  });

  test.each<[string, Record<string, string>]>([
    ['without the field', {}],
    ['with another preference', { Prefer: 'wait=10' }],
    ['with a preference that only looks like it', { Prefer: 'foo="respond-async"' }],
  ])(
    'intercept: prefer proxies a request %s unchanged, with Vary: Prefer in the response',
    async (title, headers) => {
      const path = `/prefer/passed-${title.replaceAll(' ', '-')}`;
      const fields: [string, string][] = [
        ['Vary', 'Accept'],
        ['X-From', 'upstream'],
      ];
      stack().upstream.script(path, reply({ status: 203, headers: fields, body: 'at once' }));

      const response = await stack().request(path, { method: 'POST', body: 'a', headers });

      expect([response.status, response.text]).toEqual([203, 'at once']);
      expect(response.headers('Vary').sort()).toEqual(['Accept', VARY]);
      expect(response.header('X-From')).toBe('upstream');
      expect(response.header(ID_HEADER)).toBeUndefined();
      expect(response.header('Preference-Applied')).toBeUndefined();
      const [call] = stack().upstream.callsTo(path);
      expect([call?.method, call?.body.toString(), call?.jobId]).toEqual(['POST', 'a', undefined]);
    },
  );

  test('a method that makes no jobs has no Vary: Prefer in its response', async () => {
    const response = await stack().request('/prefer/head', {
      method: 'HEAD',
      headers: { Prefer: 'respond-async' },
    });

    expect(response.status).toBe(200);
    expect(response.headers('Vary')).toEqual([]);
  });

  test('a request with a job ID is a poll, whatever its Prefer', async () => {
    const path = '/prefer/polled';
    const { id } = await stack().submit(path, { headers: { Prefer: 'respond-async' } });
    await stack().settled(path, id);

    for (const response of [
      await stack().poll(path, id),
      await stack().request(path, { method: 'POST', headers: { [ID_HEADER]: id, Prefer: 'respond-async' } }),
      await stack().request(`${path}?async-id=${id}&async-view=result`),
    ]) {
      expect(response.status).toBe(200);
      expect(response.header(ID_HEADER)).toBe(id);
    }
    expect(stack().upstream.callsTo(path)).toHaveLength(1);
  });
});

test('intercept: always makes a job of every request, and sends Preference-Applied only if it was preferred', async () => {
  const path = '/always/x';
  const { id: plain, response } = await stack().submit(path);
  const { id: asked, response: preferred } = await stack().submit(path, {
    headers: { Prefer: 'respond-async' },
  });
  await stack().settled(path, plain);
  await stack().settled(path, asked);

  expect(response.header('Preference-Applied')).toBeUndefined();
  expect(preferred.header('Preference-Applied')).toBe('respond-async');
});

describe('a WebSocket handshake', () => {
  const HANDSHAKE = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  test('a WebSocket handshake passes if pass_websocket is true', async () => {
    const response = await stack().request('/sockets/open', { headers: HANDSHAKE });

    expect(response.header(ID_HEADER)).toBeUndefined();
    expect(stack().upstream.callsTo('/sockets/open')[0]?.header('Upgrade')).toBe('websocket');
  });

  test.each<[string, string, Record<string, string>]>([
    ['POST with its fields', 'POST', HANDSHAKE],
    ['GET with the upgrade alone', 'GET', { Connection: 'Upgrade', Upgrade: 'websocket' }],
    ['GET with an upgrade to another protocol', 'GET', { ...HANDSHAKE, Upgrade: 'h2c' }],
  ])(
    'a request that is no valid WebSocket handshake does not bypass the queue: %s becomes a job',
    async (title, method, headers) => {
      const path = `/sockets/${title.replaceAll(' ', '-')}`;
      const latch = new Latch();
      stack().upstream.script(path, heldBy(latch, reply()));
      const { id } = await stack().submit(path, { method, headers });
      latch.open();
      await stack().settled(path, id);

      expect(
        stack()
          .upstream.callsTo(path)
          .map(({ jobId }) => jobId),
      ).toEqual([id]);
    },
  );
});
