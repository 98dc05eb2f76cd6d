import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface SeenRequest {
  line: string;
  /** Flat, as they came. */
  rawHeaders: string[];
  body: string;
  header(name: string): string | undefined;
}

/** What to answer, where a request says so in `X-Reply`. */
interface Reply {
  status?: number;
  headers?: http.OutgoingHttpHeaders;
  body?: string;
  /** Ends the connection without an answer. */
  hangUp?: boolean;
  /** Answers only when the other side has given up. */
  never?: boolean;
  /** Sends half of what it promised and ends the connection. */
  half?: boolean;
}

/** An upstream that remembers what it saw and answers `upstream METHOD PATH LENGTH`, or what the request asks for. */
export class EchoUpstream {
  readonly seen: SeenRequest[] = [];
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));

  static async start(): Promise<EchoUpstream> {
    const upstream = new EchoUpstream();
    // A WebSocket handshake on /socket is taken, and what comes over the socket is sent back.
    upstream.#server.on('upgrade', (request, socket) => {
      const { rawHeaders, method, url } = request;
      const line = `${method} ${url}`;
      upstream.seen.push({ line, rawHeaders, body: '', header: (name) => valueOf(rawHeaders, name) });
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Lab: 1\r\n\r\n',
      );
      socket.pipe(socket);
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get last(): SeenRequest {
    const last = this.seen.at(-1);
    if (!last) throw new Error('the upstream has seen nothing');
    return last;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('latin1');
    const { rawHeaders, method, url } = request;
    this.seen.push({
      line: `${method} ${url}`,
      rawHeaders,
      body,
      header: (name) => valueOf(rawHeaders, name),
    });
    const asked = request.headers['x-reply'];
    const reply = asked === undefined ? {} : (JSON.parse(String(asked)) as Reply);
    if (reply.hangUp) {
      request.socket.destroy();
      return;
    }
    if (reply.never) return;
    if (reply.half) {
      request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
      return;
    }
    response.writeHead(reply.status ?? 200, { 'Content-Type': 'text/plain', ...reply.headers });
    response.end(reply.body ?? `upstream ${method} ${url} ${body.length}`);
  }
}

function valueOf(rawHeaders: string[], name: string): string | undefined {
  const values = rawHeaders.filter(
    (_value, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name.toLowerCase(),
  );
  return values.length === 0 ? undefined : values.join(', ');
}
