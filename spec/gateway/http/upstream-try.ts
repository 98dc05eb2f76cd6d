import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange';
import type { Peer } from './peer';

/** What became of sending the request to one peer. */
export type TryOutcome =
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
  run(exchange: Exchange, peer: Peer, head: string, body: Buffer): Promise<TryOutcome> {
    const data = exchange.context.balancer_data ?? {};
    return new Promise((resolve) => {
      const request = this.#open(exchange, peer, head);
      let wasSent = false;
      const fail = (status: 502 | 504, reason: string): void => {
        resolve({ kind: 'failed', status, wasSent, wasKept: request.reusedSocket, reason });
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
      request.on('upgrade', (response, socket, rest) =>
        resolve({ kind: 'switched', response, socket, head: rest }),
      );
      for (const event of ['response', 'upgrade', 'close']) request.on(event, () => clearTimeout(timer));
      const onClientGone = (): void => {
        if (!exchange.response.writableFinished) request.destroy();
      };
      exchange.response.once('close', onClientGone);
      request.once('close', () => exchange.response.removeListener('close', onClientGone));
      request.end(body);
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
