// Whether a request opens a WebSocket. Everything else about `Upgrade` is ignored (RFC 9110, 7.8): no field lets a client
// past the queue.
import type { GatewayRequest, RequestLine } from './gateway-request';

/** A handshake over HTTP/1.1 (RFC 6455, 4.1): GET, and all four of its fields. */
export async function isWebSocketHandshake(request: GatewayRequest, line: RequestLine): Promise<boolean> {
  return (
    line.method === 'GET' &&
    line.upgrade.toLowerCase() === 'websocket' &&
    (await hasValue(request, 'connection', /(^|,)[ \t]*upgrade[ \t]*(,|$)/i)) &&
    (await hasValue(request, 'sec-websocket-key', /^[A-Za-z0-9+/]{22}==$/)) &&
    (await hasValue(request, 'sec-websocket-version', /^\d{1,3}$/))
  );
}

const hasValue = async (request: GatewayRequest, name: string, value: RegExp): Promise<boolean> =>
  value.test((await request.headerValues(name)).join(','));
