import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Exchange } from './exchange';
import type { Peer } from './peer';
import type { BodySource } from './request-body';
import { sendBody } from './send-body';

/** What became of sending the request to one peer. */
type TryOutcome =
  | { kind: 'response'; response: http.IncomingMessage }
  | { kind: 'switched'; response: http.IncomingMessage; socket: Duplex; head: Buffer }
  | { kind: 'failed'; status: 502 | 504; wasSent: boolean; wasKept: boolean; reason: string };

/** nginx keeps idle connections to an upstream this long under Kong. */
const IDLE_TIMEOUT_MS = 60_000;

/** Sends requests to peers over connections that it keeps. */
export class UpstreamTry {
  readonly #plain = new http.Agent({ keepAlive: true, maxFreeSockets: 512, timeout: IDLE_TIMEOUT_MS });
  readonly #secure = new https.Agent({ keepAlive: true, maxFreeSockets: 512, timeout: IDLE_TIMEOUT_MS });

  /** @param head the request line and the fields, with the empty line that ends them */
  run(exchange: Exchange, peer: Peer, head: string, body: BodySource): Promise<TryOutcome> {
    const limitMs = (name: string): number => Number(exchange.context.balancer_data?.[name]);
    return new Promise((resolve) => {
      const request = this.#open(exchange, peer, head);
      let wasSent = false;
      const fail = (status: 502 | 504, reason: string): void => {
        resolve({ kind: 'failed', status, wasSent, wasKept: request.reusedSocket, reason });
        request.destroy();
      };
      const clock = new TryClock((doing) => fail(504, `upstream timed out (${doing})`));
      clock.start('connecting', limitMs('connect_timeout'));
      let onResponse = (): void => undefined;
      whenConnected(request, () => {
        if (exchange.response.destroyed) {
          // The client went while the connection was made, and its body with it.
          fail(502, 'the client is gone');
          return;
        }
        wasSent = true;
        const onProgress = (): void => clock.start('sending', limitMs('send_timeout'));
        onProgress();
        request.once('finish', () => clock.start('reading', limitMs('read_timeout')));
        onResponse = sendBody(request, body, onProgress);
      });
      request.on('error', (error) => fail(502, error.message));
      request.on('response', (response) => {
        onResponse();
        // What was not sent by now is not sent any more: the connection cannot be used again.
        response.once('end', () => request.writableFinished || request.destroy());
        resolve({ kind: 'response', response });
      });
      request.on('upgrade', (response, socket, rest) =>
        resolve({ kind: 'switched', response, socket, head: rest }),
      );
      for (const event of ['response', 'upgrade', 'close']) request.on(event, () => clock.stop());
      const onClientGone = (): void => {
        if (!exchange.response.writableFinished) request.destroy();
      };
      exchange.response.once('close', onClientGone);
      request.once('close', () => exchange.response.removeListener('close', onClientGone));
    });
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #open(exchange: Exchange, peer: Peer, head: string): http.ClientRequest {
    const isSecure = exchange.set.get('upstream_scheme') === 'https';
    const options: https.RequestOptions = {
      agent: isSecure ? this.#secure : this.#plain,
      host: peer.address,
      port: peer.port,
      method: exchange.method,
    };
    const request = isSecure
      ? https.request({
          ...options,
          rejectUnauthorized: exchange.context.service?.['tls_verify'] === true,
          servername: peer.hostname,
        })
      : http.request(options);
    // Node will not write what nginx does (a Trailer without chunks, a POST without a length), and takes a head that is
    // there already for its own.
    (request as unknown as { _header: string })._header = head;
    return request;
  }
}

/** One timer at a time, and none any more once it was stopped. */
class TryClock {
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(private readonly onTimeout: (doing: string) => void) {}

  start(doing: string, ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => this.onTimeout(doing), ms);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
}

/** Calls back when the request may be written: after the handshake, where there is one. */
function whenConnected(request: http.ClientRequest, callback: () => void): void {
  request.once('socket', (socket) => {
    if (socket.connecting) socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', callback);
    else callback();
  });
}
