import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { luaText } from '../rpc/lua-value';
import type { Exchange, OwnAnswer } from './exchange';
import { HeaderList } from './header-list';
import { isSingleField, setResponseHeader } from './response-header';
import { SERVER_HEADER } from './send-answer';
import { connectionNames } from './connection-names';
import { sendBuffered } from './send-buffered';
import { writeHead, writeResponse } from './write-response';

/** Fields of an upstream's response that nginx keeps to itself. */
const HIDDEN = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'x-accel-buffering',
  'x-accel-charset',
  'x-accel-expires',
  'x-accel-limit-rate',
  'x-accel-redirect',
  'x-pad',
]);

/** Sends an upstream's response on, with the fields that Kong adds to it. */
export function sendProxied(
  exchange: Exchange,
  outcome:
    | { kind: 'response'; response: http.IncomingMessage }
    | { kind: 'switched'; response: http.IncomingMessage; socket: Duplex; head: Buffer },
  triedAtMs: number,
): void {
  const { response } = outcome;
  takeHeaders(exchange, response);
  for (const observer of exchange.observers) observer.onHead(response.statusCode ?? 502);
  setLatencies(exchange, Date.now() - triedAtMs, triedAtMs - exchange.startedAtMs);
  setServer(exchange, HeaderList.fromRaw(response.rawHeaders).first('via'));
  const status = response.statusCode ?? 502;
  if (outcome.kind === 'switched') {
    switchProtocols(exchange, outcome);
    return;
  }
  writeHead(exchange, status, response.statusMessage);
  for (const observer of exchange.observers) {
    if (observer.onBody) response.on('data', (chunk: Buffer) => observer.onBody?.(chunk));
    response.on('end', () => response.complete && observer.onEnd?.());
  }
  exchange.response.once('finish', () => endUpload(exchange));
  if (isBuffered(exchange, response)) void sendBuffered(response, exchange.response);
  else sendUnbuffered(response, exchange.response);
}

/** The route says so, or the upstream for this response. */
function isBuffered({ context }: Exchange, { headers }: http.IncomingMessage): boolean {
  const said = String(headers['x-accel-buffering']).toLowerCase();
  if (said === 'yes' || said === 'no') return said === 'yes';
  return context.route?.['response_buffering'] !== false;
}

function sendUnbuffered(source: http.IncomingMessage, sink: http.ServerResponse): void {
  source.on('error', () => sink.destroy());
  sendHead(sink);
  source.pipe(sink);
}

/** `flushHeaders` would write the fields as UTF-8; a write of nothing sends them as they are, bytes as Latin-1. */
function sendHead(sink: http.ServerResponse): void {
  (sink as unknown as { _send: (data: string, encoding: string) => void })._send('', 'latin1');
}

/** The rest of an upload that is no longer read is discarded, and the connection is closed. */
function endUpload({ incoming }: Exchange): void {
  if (incoming.complete) return;
  incoming.unpipe();
  incoming.resume();
  incoming.socket.end();
}

/** Kong's answer where no upstream could be had: it counts as proxied, and has its fields. */
export function sendProxyError(exchange: Exchange, answer: OwnAnswer): void {
  const body = Buffer.from(luaText(answer.body), 'latin1');
  for (const [name, value] of Object.entries(answer.headers)) {
    setResponseHeader(exchange.responseHeaders, name, value);
  }
  exchange.responseHeaders.set('Content-Length', String(body.length));
  for (const observer of exchange.observers) observer.onHead(answer.status);
  setLatencies(exchange, 0, Date.now() - exchange.startedAtMs);
  setServer(exchange, null);
  writeResponse(exchange, answer.status, body);
}

/** What plugins set stays, beside the upstream's fields of the same name unless nginx holds only one of them. */
function takeHeaders(exchange: Exchange, response: http.IncomingMessage): void {
  const list = HeaderList.fromRaw(response.rawHeaders);
  const named = new Set(connectionNames(list.all('connection').join(', ')));
  if (!exchange.set.get('upstream_te')) named.add('trailer');
  for (const [name] of list) if (isSingleField(name)) exchange.responseHeaders.clear(name);
  for (const [name, value] of list) {
    const key = name.toLowerCase();
    if (!HIDDEN.has(key) && !named.has(key)) exchange.responseHeaders.add(name, value);
  }
}

function setLatencies(exchange: Exchange, upstreamMs: number, kongMs: number): void {
  exchange.responseHeaders.set('X-Kong-Upstream-Latency', String(upstreamMs));
  exchange.responseHeaders.set('X-Kong-Proxy-Latency', String(kongMs));
}

function setServer(exchange: Exchange, upstreamVia: string | null): void {
  const own = `1.1 ${SERVER_HEADER}`;
  exchange.responseHeaders.set('Via', upstreamVia === null ? own : `${upstreamVia}, ${own}`);
  if (exchange.responseHeaders.first('server') === null) {
    exchange.responseHeaders.set('Server', SERVER_HEADER);
  }
  exchange.responseHeaders.set('X-Kong-Request-Id', exchange.id);
}

/** A 101: from here on the bytes of both sides are only handed through. */
function switchProtocols(
  exchange: Exchange,
  { response, socket, head }: { response: http.IncomingMessage; socket: Duplex; head: Buffer },
): void {
  const client = exchange.incoming.socket;
  const fields = [...exchange.responseHeaders].map(([name, value]) => `${name}: ${value}`);
  const upgrade = response.headers.upgrade ?? 'websocket';
  const lines = [`HTTP/1.1 101 Switching Protocols`, 'Connection: upgrade', `Upgrade: ${upgrade}`, ...fields];
  // Node's parser has to let go of the client's socket before its bytes can be handed on.
  for (const event of ['data', 'end', 'close', 'drain', 'error']) client.removeAllListeners(event);
  client.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  client.write(head);
  client.on('error', () => socket.destroy());
  socket.on('error', () => client.destroy());
  client.pipe(socket);
  socket.pipe(client);
}
