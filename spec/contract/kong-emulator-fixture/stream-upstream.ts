import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

const PIECE = Buffer.alloc(65_536, 'x');

/** One request as it came; `bytes` grows while its body comes. */
interface Arrival {
  line: string;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  bytes: number;
  /** The other side went away before the request was whole. */
  isAborted: boolean;
  /** The last of the answer is with the kernel. */
  isAnswered: boolean;
}

/** An upstream that handles bodies of any size without holding them. */
export class StreamUpstream {
  readonly arrivals: Arrival[] = [];
  readonly #server = http.createServer({ maxHeaderSize: 131_072 }, (request, response) =>
    this.#serve(request, response),
  );
  /** Lets a response to `/two-pieces` go on. */
  release: () => void = () => undefined;

  static async start(): Promise<StreamUpstream> {
    const upstream = new StreamUpstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): Arrival {
    const last = this.arrivals.at(-1);
    if (!last) throw new Error('nothing arrived');
    return last;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { method, url = '/', headers, rawHeaders } = request;
    const arrival: Arrival = {
      line: `${method} ${url}`,
      headers,
      rawHeaders,
      bytes: 0,
      isAborted: false,
      isAnswered: false,
    };
    this.arrivals.push(arrival);
    // Over a kept connection the gateway would try once more.
    response.shouldKeepAlive = false;
    response.once('finish', () => (arrival.isAnswered = true));
    const [, what, argument] = new URL(url, 'http://upstream').pathname.split('/');
    if (what === 'hang-up') {
      // After the body, so that nginx is not still writing when the connection goes.
      request.resume().on('end', () => request.socket.destroy());
    } else if (what === 'early') {
      // After so many bytes: a server that closes with bytes unread resets, and the reset may outrun its answer.
      request.on('data', (chunk: Buffer) => {
        arrival.bytes += chunk.length;
        if (arrival.bytes < Number(argument) || response.headersSent) return;
        response.writeHead(413, { 'Content-Type': 'text/plain', Connection: 'close' }).end('too much');
      });
    } else if (what === 'bytes') sendBytes(response, Number(argument));
    else if (what === 'two-pieces') {
      const accel = argument === undefined ? {} : { 'X-Accel-Buffering': argument };
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 10, ...accel });
      response.write('first');
      this.release = () => void response.end('later');
    } else {
      const hash = createHash('sha256');
      request.on('data', (chunk: Buffer) => {
        arrival.bytes += chunk.length;
        hash.update(chunk);
      });
      request.on('end', () => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.end(JSON.stringify({ bytes: arrival.bytes, sha256: hash.digest('hex') }));
      });
    }
    request.on('error', () => {
      arrival.isAborted = true;
      response.destroy();
    });
  }
}

function sendBytes(response: http.ServerResponse, count: number): void {
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': count });
  Readable.from(pieces(count)).pipe(response);
}

/** The digest of what `/bytes/COUNT` sends, and of an upload of the same pieces. */
export function digestOf(count: number): string {
  const hash = createHash('sha256');
  for (const piece of pieces(count)) hash.update(piece);
  return hash.digest('hex');
}

/** The same pieces, for an upload. */
export function* pieces(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= PIECE.length) {
    yield left < PIECE.length ? PIECE.subarray(0, left) : PIECE;
  }
}
