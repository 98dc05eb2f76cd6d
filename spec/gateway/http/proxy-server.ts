import http from 'node:http';
import { Exchange } from './exchange';
import { takeOddLines } from './odd-line';
import { refuseRaw } from './raw-refusal';

/** nginx's own limits come first; these only bound what Node's parser takes. */
const MAX_HEAD_BYTES = 65_536;
const KEEP_ALIVE_MS = 75_000;

/** The listener for clients. What is no HTTP is answered as nginx under Kong does. */
export function createProxyServer(
  trustedIps: readonly string[],
  onExchange: (exchange: Exchange) => void,
): http.Server {
  const server = http.createServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    requireHostHeader: false,
    // nginx takes control characters in the values of fields.
    insecureHTTPParser: true,
  });
  takeOddLines(server);
  server.maxHeadersCount = 0;
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, (incoming: http.IncomingMessage, response: http.ServerResponse) =>
      onExchange(new Exchange(incoming, response, trustedIps)),
    );
  }
  server.on('connect', (incoming, socket) => refuseRaw(socket, incoming.url?.startsWith('/') ? 405 : 400));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuseRaw(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 494 : 400);
  });
  return server;
}
