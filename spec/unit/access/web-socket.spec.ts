import type {
  GatewayRequest,
  RequestLine,
} from '../../../plugins/async-request-reply/access/gateway-request';
import { isWebSocketHandshake } from '../../../plugins/async-request-reply/access/web-socket';

const HANDSHAKE = {
  connection: 'keep-alive, Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

function isHandshake(change: Record<string, string> = {}, line: Partial<RequestLine> = {}): Promise<boolean> {
  const fields: Record<string, string> = { ...HANDSHAKE, ...change };
  const headerValues = (name: string) => Promise.resolve(fields[name] ? [fields[name]] : []);
  return isWebSocketHandshake({ headerValues } as Pick<GatewayRequest, 'headerValues'> as GatewayRequest, {
    method: 'GET',
    upstreamMethod: 'GET',
    uri: '/',
    prefix: '',
    query: '',
    idHeader: '',
    upgrade: 'websocket',
    loopbackToken: '',
    ...line,
  });
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
