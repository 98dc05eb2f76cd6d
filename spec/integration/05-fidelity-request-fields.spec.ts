// docs/http.md, "The upstream call": the header fields that the upstream sees are those of Kong without the plugin.
import { expectSameRequest } from '../helpers/fidelity/expect-alike';
import { laneRoutes, send } from '../helpers/fidelity/lanes';
import type { Field } from '../helpers/http/fields';
import { useStack } from '../helpers/use-stack';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const stack = useStack({
  routes: [
    ...laneRoutes('fields'),
    ...laneRoutes('strip', { route: { strip_path: true } }),
    ...laneRoutes('anonymous', { config: { upstream: { send_id: false } } }),
    ...laneRoutes('dropping', { config: { request: { drop_headers: ['X-Secret', 'Accept'] } } }),
  ],
});

describe('a field', () => {
  test.each<[string, readonly Field[]]>([
    [
      'repeated',
      [
        ['X-A', '1'],
        ['X-B', 'between'],
        ['x-a', '2'],
        ['X-A', '1'],
      ],
    ],
    [
      'with an empty value',
      [
        ['X-Empty', ''],
        ['X-Full', 'a'],
        ['X-Full', ''],
      ],
    ],
    [
      'with bytes beyond ASCII',
      [
        ['X-Latin', 'caf\xe9 \xff\xa0'],
        ['X-Utf8', 'caf\xc3\xa9'],
      ],
    ],
    ['with a tab, commas and quotes', [['X-Quoted', 'a\tb, "c, \\"d", ;e']]],
    [
      'with an underscore in its name',
      [
        ['X_Under_Score', '1'],
        ['X-Under-Score', '2'],
      ],
    ],
    [
      'with a name that JavaScript knows',
      [
        ['__proto__', 'a'],
        ['constructor', 'b'],
        ['toString', 'c'],
      ],
    ],
    [
      'of cookies, several',
      [
        ['Cookie', 'a=1; b=2'],
        ['Cookie', 'c=3'],
        ['cookie', 'a=4'],
      ],
    ],
    [
      'of credentials',
      [
        ['Authorization', 'Bearer a.b.c'],
        ['Proxy-Authorization', 'Basic eDp5'],
      ],
    ],
    [
      'of conditions',
      [
        ['If-Match', '"a"'],
        ['If-None-Match', '*'],
        ['If-Modified-Since', 'x'],
        ['Range', 'bytes=0-1'],
        ['If-Range', '"a"'],
      ],
    ],
    [
      'of negotiation',
      [
        ['Accept', 'a/b'],
        ['Accept', 'c/d;q=0.1'],
        ['Accept-Encoding', 'gzip, br'],
        ['Accept-Language', 'de'],
      ],
    ],
    [
      'of a trace',
      [
        ['traceparent', TRACE],
        ['tracestate', 'a=b'],
        ['tracestate', 'c=d'],
        ['baggage', 'e=f'],
      ],
    ],
    [
      'of preferences',
      [
        ['Prefer', 'respond-async, wait=0'],
        ['Prefer', 'return=minimal'],
        ['Idempotency-Key', '"a-key-that-is-long-enough-for-strangers"'],
      ],
    ],
    [
      'of the agent and the content',
      [
        ['User-Agent', 'spec'],
        ['Referer', 'http://a/b'],
        ['Content-Type', 'text/plain;charset=x'],
        ['Content-Encoding', 'br'],
      ],
    ],
    [
      'that concerns proxies',
      [
        ['Max-Forwards', '3'],
        ['Forwarded', 'for=1.2.3.4'],
        ['Cache-Control', 'no-cache'],
        ['Pragma', 'no-cache'],
        ['Date', 'x'],
      ],
    ],
    ['that overrides a method', [['X-HTTP-Method-Override', 'DELETE']]],
  ])('%s goes on', async (_what, headers) => {
    const queued = await expectSameRequest(stack(), { target: '/fields', headers }, '/fields');

    for (const [name] of headers) {
      const sent = headers.filter(([other]) => other.toLowerCase() === name.toLowerCase());
      expect(queued.request.headers(name)).toEqual(sent.map(([, value]) => value));
    }
  });

  test('goes on beside 149 others', async () => {
    const headers = Array.from({ length: 150 }, (_, i): Field => [`X-Number-${i}`, String(i)]);

    const { request } = await expectSameRequest(stack(), { target: '/fields', headers }, '/fields');

    expect(request.headers('X-Number-149')).toEqual(['149']);
  });

  test('with a control character, which no worker could send, is refused', async () => {
    const headers: Field[] = [['X-Control', 'a\x01b']];

    const response = await send(stack(), { target: '/fields/control', headers }, 'queued');

    expect(response.status).toBe(400);
    expect(stack().upstream.callsTo('/fields/control')).toEqual([]);
  });

  test('that the route drops does not go on', async () => {
    const headers: Field[] = [
      ['x-secret', 'a'],
      ['ACCEPT', 'b'],
      ['X-Kept', 'c'],
    ];
    const changes = { 'x-secret': null, accept: null };

    await expectSameRequest(stack(), { target: '/dropping', headers }, '/dropping', changes);
  });
});

describe("the job's ID", () => {
  test('goes on as a field of ours', async () => {
    const { request, id } = await expectSameRequest(stack(), { target: '/fields' }, '/fields');

    expect(request.headers('X-Async-Kong-Id')).toEqual([id]);
  });

  test('does not go on where the route says so', async () => {
    const { answer } = await stack()
      .request('/anonymous/a')
      .then((response) => ({ answer: response }));
    const [call] = await stack().upstream.called('/anonymous/a');

    expect(answer.status).toBe(202);
    expect(call?.jobId).toBeUndefined();
  });
});

describe('what Kong sets', () => {
  const claims: Field[] = [
    ['X-Forwarded-For', '1.1.1.1'],
    ['X-Forwarded-For', '2.2.2.2'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Host', 'claimed.example'],
    ['X-Forwarded-Port', '1'],
    ['X-Forwarded-Path', '/claimed'],
    ['X-Forwarded-Prefix', '/claimed'],
    ['X-Real-IP', '9.9.9.9'],
    ['X-Kong-Request-Id', 'claimed'],
    ['Via', '1.0 one'],
    ['Via', '1.1 two'],
  ];

  test.each([
    ['x-forwarded-for', '/fields/a?b', '127.0.0.1'],
    ['x-forwarded-proto', '/fields/a?b', 'http'],
    ['x-forwarded-host', '/fields/a?b', '127.0.0.1'],
    ['x-forwarded-path', '/fields/./a%2Fb?c', '/fields/./a%2Fb'],
    ['x-forwarded-path', '/strip/a', '/strip/a'],
    ['x-forwarded-prefix', '/strip/a', '/strip'],
    ['x-real-ip', '/fields', '127.0.0.1'],
  ])('%s of %s is %s', async (name, target, seen) => {
    const pollPath = target.startsWith('/strip') ? '/strip' : '/fields';

    const { request } = await expectSameRequest(stack(), { target }, pollPath);

    expect(request.headers(name)).toEqual([seen]);
  });

  test('x-forwarded-port is the same', async () => {
    const { request } = await expectSameRequest(stack(), { target: '/fields' }, '/fields');

    expect(request.header('X-Forwarded-Port')).toBe(String(stack().gateway.proxyPort));
  });

  test('x-kong-request-id is the one that the client was told with its 202', async () => {
    const { request, answer } = await expectSameRequest(stack(), { target: '/fields' }, '/fields');

    expect(request.header('X-Kong-Request-Id')).toMatch(/^[0-9a-f]{32}$/);
    expect(request.header('X-Kong-Request-Id')).toBe(answer.header('X-Kong-Request-Id'));
  });

  test.each(['/fields', '/strip'])('on %s is the same whatever the client claims', async (target) => {
    const { request } = await expectSameRequest(stack(), { target, headers: claims }, target);

    const lines = request.fields.map(([name, value]) => `${name}: ${value}`).join('\n');
    expect(lines).not.toMatch(/claimed|9\.9\.9\.9/);
    expect(request.header('X-Forwarded-For')).toMatch(/^1\.1\.1\.1, .*127\.0\.0\.1$/);
    expect(request.header('Via')).toMatch(/^1\.0 one, .*kong/);
  });
});
