import { classify, isWebSocketHandshake } from '../../../plugins/async-request-reply/access/classify';
import type {
  GatewayRequest,
  RequestLine,
} from '../../../plugins/async-request-reply/access/gateway-request';
import { routeSettings } from '../../../plugins/async-request-reply/access/route/route-settings';
import { resolveConfig } from '../../../schemas/resolve-config';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const line = (change: Partial<RequestLine>): RequestLine => ({
  method: 'GET',
  upstreamMethod: 'GET',
  uri: '/r',
  prefix: '',
  query: '',
  idHeader: '',
  upgrade: '',
  loopbackToken: '',
  ...change,
});
const settings = (config: object = {}) => routeSettings(resolveConfig(config));

describe('classify', () => {
  test.each(['GET', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'BREW'])(
    'a %s with an ID is a poll',
    (method) => {
      expect(classify(line({ method, idHeader: ID }), settings())).toEqual({
        kind: 'poll',
        id: ID,
        view: 'header',
      });
      expect(classify(line({ method, uri: `/r?async-id=${ID}` }), settings())).toEqual({
        kind: 'poll',
        id: ID,
        view: 'status',
      });
    },
  );

  test.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('a %s without an ID is a submit', (method) => {
    expect(classify(line({ method }), settings())).toEqual({ kind: 'submit' });
  });

  test.each(['OPTIONS', 'TRACE', 'CONNECT', 'HEAD', 'BREW'])(
    'a %s without an ID passes through',
    (method) => {
      expect(classify(line({ method }), settings())).toEqual({ kind: 'pass' });
    },
  );

  test('OPTIONS never becomes a job, even if the route lists it', () => {
    expect(classify(line({ method: 'OPTIONS' }), { ...settings(), methods: new Set(['OPTIONS']) })).toEqual({
      kind: 'pass',
    });
  });

  test('the ID is read from the request of the client, even if another plugin removes it from the query', () => {
    expect(classify(line({ uri: `/r?async-id=${ID}`, query: '' }), settings())).toMatchObject({
      kind: 'poll',
      id: ID,
    });
  });

  test('the ID is read from a query that another plugin has set', () => {
    expect(classify(line({ uri: '/r', query: `async-id=${ID}` }), settings())).toMatchObject({
      kind: 'poll',
      id: ID,
    });
  });

  test('the result URL is distinguished from the status URL', () => {
    expect(classify(line({ uri: `/r?async-id=${ID}&async-view=result` }), settings())).toMatchObject({
      view: 'result',
    });
  });

  test.each([
    ['header twice', { idHeader: `${ID}, ${ID}` }],
    ['query twice', { uri: `/r?async-id=${ID}&async%2Did=${ID}` }],
    ['header and query that differ', { idHeader: ID, uri: '/r?async-id=x' }],
  ])('an ambiguous ID is rejected: %s', (_case, change) => {
    expect(() => classify(line(change), settings())).toThrow(
      expect.objectContaining({ code: 'ambiguous-id', status: 400 }) as Error,
    );
  });

  test('the same ID in header and query counts as one', () => {
    expect(
      classify(line({ idHeader: ID, uri: `/r?async-id=${ID.toUpperCase()}` }), settings()),
    ).toMatchObject({ view: 'status' });
  });

  test('a request without an ID on a poll route is not found', () => {
    expect(classify(line({}), settings({ intercept: 'never' }))).toEqual({ kind: 'nothing-here' });
  });

  test.each([
    ['/jobs/{id}', `/jobs/${ID}`, 'status'],
    ['/jobs/{id}', `/jobs/${ID}/result`, 'result'],
    ['https://api.example.com/jobs/{id}/status', `/jobs/${ID}/status?x=1`, 'status'],
    ['/jobs/{id}/status', `/jobs/${ID}/status/result`, 'result'],
  ])('the ID is read from a path of the template %s', (statusUrl, uri, view) => {
    expect(classify(line({ uri }), settings({ status_url: statusUrl, intercept: 'never' }))).toEqual({
      kind: 'poll',
      id: ID,
      view,
    });
  });

  test.each(['/jobs/', '/jobs/a/b', '/job/x'])('no ID is read from %s', (uri) => {
    expect(classify(line({ uri }), settings({ status_url: '/jobs/{id}', intercept: 'never' }))).toEqual({
      kind: 'nothing-here',
    });
  });

  test('an upgrade is considered only if the route passes WebSockets through', () => {
    const handshake = line({ upgrade: 'WebSocket' });
    expect(classify(handshake, settings())).toEqual({ kind: 'submit' });
    expect(classify(handshake, settings({ pass_websocket: true }))).toEqual({ kind: 'handshake' });
    expect(classify(line({}), settings({ pass_websocket: true }))).toEqual({ kind: 'submit' });
  });
});

const HANDSHAKE = {
  connection: 'keep-alive, Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

function isHandshake(
  fields: Record<string, string> = {},
  change: Partial<RequestLine> = {},
): Promise<boolean> {
  const sent: Record<string, string> = { ...HANDSHAKE, ...fields };
  const request: Pick<GatewayRequest, 'headerValues'> = {
    headerValues: (name) => Promise.resolve(sent[name] ? [sent[name]] : []),
  };
  return isWebSocketHandshake(request as GatewayRequest, line({ upgrade: 'websocket', ...change }));
}

describe('a WebSocket handshake', () => {
  it('is a GET with all of its fields, names and tokens in any case', async () => {
    expect(await isHandshake()).toBe(true);
    expect(await isHandshake({ connection: 'UPGRADE' }, { upgrade: 'WebSocket' })).toBe(true);
  });

  it.each<[string, Record<string, string>, Partial<RequestLine>]>([
    ['with another method', {}, { method: 'POST' }],
    ['with another protocol', {}, { upgrade: 'h2c' }],
    ['whose Connection does not name it', { connection: 'keep-alive' }, {}],
    ['without a key', { 'sec-websocket-key': '' }, {}],
    ['with a key that is none', { 'sec-websocket-key': 'x' }, {}],
    ['without a version', { 'sec-websocket-version': '' }, {}],
  ])('is none %s', async (_case, fields, line) => {
    expect(await isHandshake(fields, line)).toBe(false);
  });
});
