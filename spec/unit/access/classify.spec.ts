import { classify } from '../../../plugins/async-request-reply/access/classify';
import type { RequestLine } from '../../../plugins/async-request-reply/access/gateway-request';
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
  it.each(['GET', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'BREW'])(
    'takes a %s with an ID for a poll',
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

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('takes a %s without one for a submit', (method) => {
    expect(classify(line({ method }), settings())).toEqual({ kind: 'submit' });
  });

  it.each(['OPTIONS', 'TRACE', 'CONNECT', 'HEAD', 'BREW'])('lets a %s without one pass', (method) => {
    expect(classify(line({ method }), settings())).toEqual({ kind: 'pass' });
  });

  it('never makes a job of OPTIONS, even where the route names it', () => {
    expect(classify(line({ method: 'OPTIONS' }), { ...settings(), methods: new Set(['OPTIONS']) })).toEqual({
      kind: 'pass',
    });
  });

  it('finds the ID in what the client sent, though another plugin took it out of the query', () => {
    expect(classify(line({ uri: `/r?async-id=${ID}`, query: '' }), settings())).toMatchObject({
      kind: 'poll',
      id: ID,
    });
  });

  it('finds the ID in a query that another plugin made', () => {
    expect(classify(line({ uri: '/r', query: `async-id=${ID}` }), settings())).toMatchObject({
      kind: 'poll',
      id: ID,
    });
  });

  it('tells the result URL from the status URL', () => {
    expect(classify(line({ uri: `/r?async-id=${ID}&async-view=result` }), settings())).toMatchObject({
      view: 'result',
    });
  });

  it.each([
    ['header twice', { idHeader: `${ID}, ${ID}` }],
    ['query twice', { uri: `/r?async-id=${ID}&async%2Did=${ID}` }],
    ['header and query that differ', { idHeader: ID, uri: '/r?async-id=x' }],
  ])('refuses an ambiguous ID: %s', (_case, change) => {
    expect(() => classify(line(change), settings())).toThrow(
      expect.objectContaining({ code: 'ambiguous-id', status: 400 }) as Error,
    );
  });

  it('takes the same ID in header and query for one', () => {
    expect(
      classify(line({ idHeader: ID, uri: `/r?async-id=${ID.toUpperCase()}` }), settings()),
    ).toMatchObject({ view: 'status' });
  });

  it('has nothing for a request without an ID on a poll route', () => {
    expect(classify(line({}), settings({ intercept: 'never' }))).toEqual({ kind: 'nothing-here' });
  });

  it.each([
    ['/jobs/{id}', `/jobs/${ID}`, 'status'],
    ['/jobs/{id}', `/jobs/${ID}/result`, 'result'],
    ['https://api.example.com/jobs/{id}/status', `/jobs/${ID}/status?x=1`, 'status'],
    ['/jobs/{id}/status', `/jobs/${ID}/status/result`, 'result'],
  ])('reads the ID out of a path of the template %s', (statusUrl, uri, view) => {
    expect(classify(line({ uri }), settings({ status_url: statusUrl, intercept: 'never' }))).toEqual({
      kind: 'poll',
      id: ID,
      view,
    });
  });

  it.each(['/jobs/', '/jobs/a/b', '/job/x'])('reads none out of %s', (uri) => {
    expect(classify(line({ uri }), settings({ status_url: '/jobs/{id}', intercept: 'never' }))).toEqual({
      kind: 'nothing-here',
    });
  });

  it('looks at an upgrade only where the route lets WebSockets pass', () => {
    const handshake = line({ upgrade: 'WebSocket' });
    expect(classify(handshake, settings())).toEqual({ kind: 'submit' });
    expect(classify(handshake, settings({ pass_websocket: true }))).toEqual({ kind: 'handshake' });
    expect(classify(line({}), settings({ pass_websocket: true }))).toEqual({ kind: 'submit' });
  });
});
