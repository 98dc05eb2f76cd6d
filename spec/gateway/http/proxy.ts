import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { Upstream } from '../config/entities';
import type { GatewayLog } from '../gateway-log';
import { errorAnswer, STATUS_MESSAGES } from './error-answer';
import type { Exchange } from './exchange';
import { sendProxyError, sendProxied } from './proxied-response';
import { sendAnswer } from './send-answer';
import { choosePeer, finishUpstreamRequest, hostField, upstreamHeaders, type Peer } from './upstream-request';

/** nginx sends these again when a connection breaks: it takes them for repeatable. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

type TryOutcome =
  | { kind: 'response'; response: http.IncomingMessage }
  | { kind: 'switched'; response: http.IncomingMessage; socket: Duplex; head: Buffer }
  | { kind: 'failed'; status: 502 | 504; wasSent: boolean; reason: string };

/**
 * Sends the request to the upstream as nginx does: after the whole body is in, over kept connections, again on a
 * hang-up or a time-out for methods that may be repeated, and for any method where nothing was sent.
 */
export class Proxy {
  readonly #log: GatewayLog;
  readonly #plain = new http.Agent({ keepAlive: true, maxFreeSockets: 512, timeout: 60_000 });
  readonly #secure = new https.Agent({ keepAlive: true, maxFreeSockets: 512, timeout: 60_000 });
  #turn = 0;

  constructor(log: GatewayLog) {
    this.#log = log;
  }

  async forward(exchange: Exchange, upstreams: Map<string, Upstream>): Promise<void> {
    finishUpstreamRequest(exchange);
    const body = await exchange.body.read();
    const preserved = exchange.set.get('upstream_host') ?? '';
    const tries = Number(exchange.context.balancer_data?.['retries'] ?? 5) + 1;
    let failure: TryOutcome & { kind: 'failed' } = {
      kind: 'failed',
      status: 502,
      wasSent: false,
      reason: '',
    };
    for (let attempt = 0; attempt < tries; attempt++) {
      const peer = choosePeer(exchange, upstreams, () => this.#turn++);
      if (!peer) {
        sendAnswer(exchange, errorAnswer(exchange, 503, 'failure to get a peer from the ring-balancer'));
        return;
      }
      const startedAtMs = Date.now();
      const outcome = await this.#try(exchange, peer, hostField(exchange, peer, preserved), body);
      if (outcome.kind !== 'failed') {
        sendProxied(exchange, outcome, startedAtMs);
        return;
      }
      failure = outcome;
      this.#log.error(
        `${outcome.reason}, upstream: ${peer.host}:${peer.port}, request: "${exchange.requestLine}"`,
      );
      if (exchange.response.destroyed) return;
      if (outcome.wasSent && !REPEATABLE.has(exchange.method)) break;
    }
    const message = STATUS_MESSAGES[failure.status] ?? '';
    sendProxyError(exchange, errorAnswer(exchange, failure.status, message));
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #try(exchange: Exchange, peer: Peer, host: string, body: Buffer): Promise<TryOutcome> {
    const data = exchange.context.balancer_data ?? {};
    return new Promise((resolve) => {
      const request = this.#open(exchange, peer, host, body);
      let wasSent = false;
      const fail = (status: 502 | 504, reason: string): void => {
        resolve({ kind: 'failed', status, wasSent, reason });
        request.destroy();
      };
      let timer = setTimeout(
        () => fail(504, 'upstream timed out (connecting)'),
        Number(data['connect_timeout']),
      );
      const onSent = (): void => {
        wasSent = true;
        clearTimeout(timer);
        timer = setTimeout(() => fail(504, 'upstream timed out (reading)'), Number(data['read_timeout']));
      };
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once('connect', onSent);
        else onSent();
      });
      request.on('error', (error) => fail(502, error.message));
      request.on('response', (response) => resolve({ kind: 'response', response }));
      request.on('upgrade', (response, socket, head) =>
        resolve({ kind: 'switched', response, socket, head }),
      );
      request.on('close', () => clearTimeout(timer));
      request.on('response', () => clearTimeout(timer));
      exchange.response.once('close', () => {
        if (!exchange.response.writableFinished) request.destroy();
      });
      request.end(body);
    });
  }

  #open(exchange: Exchange, peer: Peer, host: string, body: Buffer): http.ClientRequest {
    const isSecure = exchange.set.get('upstream_scheme') === 'https';
    const options: https.RequestOptions = {
      agent: isSecure ? this.#secure : this.#plain,
      host: peer.host,
      port: peer.port,
      method: exchange.method,
      path: exchange.set.get('upstream_uri') ?? '/',
      headers: upstreamHeaders(exchange, host, body),
      setHost: false,
    };
    if (!isSecure) return http.request(options);
    const verifies = exchange.context.service?.['tls_verify'] === true;
    return https.request({ ...options, rejectUnauthorized: verifies, servername: host.replace(/:\d+$/, '') });
  }
}
