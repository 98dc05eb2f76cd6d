import type { IncomingMessage } from 'node:http';
import type { Upstream } from '../config/entities';
import type { GatewayLog } from '../gateway-log';
import { errorAnswer, errorPage } from './error-answer';
import type { Exchange } from './exchange';
import { choosePeer, type Peer } from './peer';
import type { BodySource } from './request-body';
import { sendProxyError, sendProxied } from './proxied-response';
import { sendAnswer } from './send-answer';
import { finishUpstreamRequest, upstreamHead } from './upstream-head';
import { UpstreamTry } from './upstream-try';

/** nginx does not send these again once a connection stood: it takes all others for repeatable. */
const NOT_REPEATABLE = new Set(['POST', 'LOCK', 'PATCH']);

/**
 * Sends the request to the upstream as nginx does: after the whole body is in (unless the route is unbuffered), over
 * kept connections, again on a hang-up or a time-out for methods that may be repeated, and for any method where the
 * connection could not be made.
 */
export class Proxy {
  readonly #log: GatewayLog;
  readonly #tries = new UpstreamTry();
  #turn = 0;

  constructor(log: GatewayLog) {
    this.#log = log;
  }

  async forward(exchange: Exchange, upstreams: Map<string, Upstream>): Promise<void> {
    finishUpstreamRequest(exchange);
    const preservedHost = exchange.set.get('upstream_host') ?? '';
    const isBuffered = exchange.context.route?.['request_buffering'] !== false;
    const body = await exchange.body.source(isBuffered, exchange.headLength);
    let tries = Number(exchange.context.balancer_data?.['retries'] ?? 5) + 1;
    let failedStatus: 502 | 504 = 502;
    while (tries-- > 0) {
      const choice = await choosePeer(exchange, upstreams, () => this.#turn++);
      if (choice.kind === 'refused') {
        sendAnswer(exchange, errorAnswer(exchange, choice.status, choice.message));
        return;
      }
      if (choice.kind === 'unusable') {
        sendProxyError(exchange, errorPage(exchange, 500));
        return;
      }
      const outcome = await this.#try(exchange, choice.peer, preservedHost, body);
      if (outcome === 'answered' || exchange.response.destroyed) return;
      failedStatus = outcome.status;
      // A connection that was kept may just have been closed as idle: nginx does not count that try.
      if (outcome.wasKept && outcome.status === 502) tries++;
      if (outcome.wasSent && (body.kind === 'stream' || NOT_REPEATABLE.has(exchange.method))) break;
    }
    sendProxyError(exchange, errorPage(exchange, failedStatus));
  }

  close(): void {
    this.#tries.close();
  }

  async #try(
    exchange: Exchange,
    peer: Peer,
    preservedHost: string,
    body: BodySource,
  ): Promise<'answered' | { status: 502 | 504; wasSent: boolean; wasKept: boolean }> {
    const startedAtMs = Date.now();
    const head = upstreamHead(exchange, peer, preservedHost, body);
    const outcome = await this.#tries.run(exchange, peer, head, body);
    if (outcome.kind === 'failed') {
      const where = `upstream: ${peer.address}:${peer.port}, request: "${exchange.requestLine}"`;
      this.#log.error(`${outcome.reason}, ${where}`);
      return outcome;
    }
    if (isHeadTooLarge(outcome.response)) {
      outcome.response.destroy();
      this.#log.error('upstream sent too big header while reading response header from upstream');
      sendProxyError(exchange, errorPage(exchange, 502));
      return 'answered';
    }
    sendProxied(exchange, outcome, startedAtMs);
    return 'answered';
  }
}

/** nginx reads a header section into one buffer of this size (`proxy_buffer_size`), and answers 502 where it does not fit. */
const PROXY_BUFFER_BYTES = 4096;

function isHeadTooLarge({ statusCode, statusMessage, rawHeaders }: IncomingMessage): boolean {
  const statusLine = `HTTP/1.1 ${String(statusCode)} ${statusMessage ?? ''}\r\n`;
  const fields = rawHeaders.reduce((bytes, part) => bytes + part.length + ': '.length, 0);
  return statusLine.length + fields + '\r\n'.length > PROXY_BUFFER_BYTES;
}
