// A client that sends exactly what a spec says and shows exactly what came back.
import { connect, type Socket } from 'node:net';
import { ByteReader } from './http/byte-reader';
import { hasField, toFields, valueOf, valuesOf, type Field, type FieldsInput } from './http/fields';
import { chunkedBytes, headBytes, readResponse, statusOf, type HttpMessage } from './http/http-message';
import { Latch } from './latch';
import { PATIENCE_MS } from './patience';

export interface RequestOptions {
  /** Default GET. */
  method?: string;
  /** Sent as they are. `Host` and the body's framing are added where they are missing. */
  headers?: FieldsInput;
  body?: Buffer | string;
  /** Sends the body in the chunked coding, one chunk per piece. */
  chunks?: readonly (Buffer | string)[];
  /** From the connect to the last byte. Default `PATIENCE_MS`. */
  timeoutMs?: number;
  /** Which address of this machine it comes from: any of 127.0.0.0/8. */
  localAddress?: string;
  /** Connects, calls `connected`, and sends nothing before `go` has settled. */
  start?: { connected: () => void; go: Promise<void> };
}

export class HttpResponse {
  readonly status: number;
  readonly reason: string;
  /** In the order and case in which they came. */
  readonly fields: readonly Field[];
  readonly body: Buffer;

  constructor({ startLine, fields, body }: HttpMessage) {
    this.status = statusOf(startLine);
    this.reason = startLine.split(' ').slice(2).join(' ');
    this.fields = fields;
    this.body = body;
  }

  /** @returns undefined where there is no such field @throws where there are several */
  header(name: string): string | undefined {
    return valueOf(this.fields, name);
  }

  /** Every field of that name, in order. */
  headers(name: string): string[] {
    return valuesOf(this.fields, name);
  }

  get text(): string {
    return this.body.toString('utf8');
  }

  /** @throws with the text in the message when it is not JSON */
  json<T = Record<string, unknown>>(): T {
    try {
      return JSON.parse(this.text) as T;
    } catch (error) {
      throw new Error(`${this.status}, not JSON: ${JSON.stringify(this.text.slice(0, 500))}`, {
        cause: error,
      });
    }
  }
}

/** Every request takes a connection of its own, which is closed when the response is there. */
export class HttpClient {
  readonly #port: number;
  readonly #open = new Set<Socket>();

  constructor(port: number) {
    this.#port = port;
  }

  get openConnections(): number {
    return this.#open.size;
  }

  /** Connects many clients and then sends everything at once: one request for each target. */
  async crowd(
    targets: readonly string[],
    optionsOf: (index: number) => RequestOptions,
  ): Promise<HttpResponse[]> {
    const everybodyIsThere = new Latch();
    let missing = targets.length;
    const connected = (): void => {
      if (--missing === 0) everybodyIsThere.open();
    };
    const start = { connected, go: everybodyIsThere.opened };
    return await Promise.all(
      targets.map((target, index) => this.request(target, { ...optionsOf(index), start })),
    );
  }

  request(target: string, options: RequestOptions = {}): Promise<HttpResponse> {
    const { method = 'GET' } = options;
    return this.send(requestBytes(target, this.#port, options), { ...options, method });
  }

  /** Sends bytes of any kind and reads one response; `method` tells what response to expect (HEAD has no content). */
  async send(
    bytes: Buffer | string,
    {
      method = 'GET',
      timeoutMs = PATIENCE_MS,
      start,
      localAddress,
    }: Pick<RequestOptions, 'method' | 'timeoutMs' | 'start' | 'localAddress'> = {},
  ): Promise<HttpResponse> {
    const socket = connect({
      port: this.#port,
      host: '127.0.0.1',
      ...(localAddress !== undefined && { localAddress }),
    });
    this.#open.add(socket);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const timer = setTimeout(
      () => socket.destroy(new Error(`no whole response within ${timeoutMs} ms`)),
      timeoutMs,
    );
    try {
      const reader = new ByteReader(socket);
      if (start !== undefined) {
        socket.once('connect', start.connected);
        await start.go;
      }
      // Kong may answer and hang up before it has read everything: what it said counts, not that it no longer listens.
      socket.write(bytes);
      return new HttpResponse(await readResponse(reader, method));
    } finally {
      clearTimeout(timer);
      socket.destroy();
      await closed;
      this.#open.delete(socket);
    }
  }
}

function requestBytes(target: string, port: number, options: RequestOptions): Buffer {
  const fields = toFields(options.headers);
  const body = toBuffer(options.body);
  if (!hasField(fields, 'host')) fields.unshift(['Host', `127.0.0.1:${port}`]);
  if (options.chunks !== undefined) fields.push(['Transfer-Encoding', 'chunked']);
  else if (body !== null && !hasField(fields, 'content-length')) {
    fields.push(['Content-Length', String(body.length)]);
  }
  const head = headBytes(`${options.method ?? 'GET'} ${target} HTTP/1.1`, fields);
  const content =
    options.chunks === undefined
      ? (body ?? Buffer.alloc(0))
      : chunkedBytes(options.chunks.map((chunk) => Buffer.from(chunk)));
  return Buffer.concat([head, content]);
}

function toBuffer(body: Buffer | string | undefined): Buffer | null {
  return body === undefined ? null : Buffer.from(body);
}
