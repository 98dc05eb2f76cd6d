// The responses that a spec can script for the upstream.
import type { Socket } from 'node:net';
import { hasField, toFields, type FieldsInput } from '../http/fields';
import { chunkedBytes, headBytes } from '../http/http-message';
import type { Latch } from '../latch';
import type { RecordedRequest } from '../upstream';

export interface Exchange {
  readonly request: RecordedRequest;
  readonly socket: Socket;
  /** Settles when the caller has hung up. */
  readonly gone: Promise<void>;
}

/** Answers one request. The connection serves the next one when the promise settles and the socket is still open. */
export type Answer = (exchange: Exchange) => void | Promise<void>;

export interface ReplyOptions {
  status?: number;
  reason?: string;
  headers?: FieldsInput;
  body?: Buffer | string;
}

/** A response with exactly these fields; only `Content-Length` is added, unless a framing is given or forbidden. */
export function reply({ status = 200, reason = 'Fine', headers, body = '' }: ReplyOptions = {}): Answer {
  return ({ request, socket }) => {
    const fields = toFields(headers);
    const content = Buffer.from(body);
    const isFramed = hasField(fields, 'content-length') || hasField(fields, 'transfer-encoding');
    if (!isFramed && status !== 204 && status !== 304) {
      fields.push(['Content-Length', String(content.length)]);
    }
    socket.write(headBytes(`HTTP/1.1 ${status} ${reason}`, fields));
    if (request.method !== 'HEAD' && content.length > 0) socket.write(content);
  };
}

export function replyJson(value: unknown, options: ReplyOptions = {}): Answer {
  const headers = [...toFields(options.headers), ['Content-Type', 'application/json'] as const];
  return reply({ ...options, headers, body: JSON.stringify(value) });
}

/** A response in the chunked coding. */
export function replyInChunks(pieces: readonly (Buffer | string)[], options: ReplyOptions = {}): Answer {
  const headers = [...toFields(options.headers), ['Transfer-Encoding', 'chunked'] as const];
  return reply({ ...options, headers, body: chunkedBytes(pieces.map((piece) => Buffer.from(piece))) });
}

/** Answers when the latch is opened. */
export function heldBy(latch: Latch, answer: Answer): Answer {
  return async (exchange) => {
    await latch.opened;
    await answer(exchange);
  };
}

/** Never answers; over when the caller hangs up. */
export function silence(): Answer {
  return ({ gone }) => gone;
}

/** Hangs up without a word. */
export function hangUp(): Answer {
  return ({ socket }) => void socket.destroy();
}

/** Announces more bytes than it sends, and hangs up. */
export function hangUpInBody(options: { announced: number; sent: Buffer | string }): Answer {
  return async ({ socket }) => {
    socket.write(headBytes('HTTP/1.1 200 OK', [['Content-Length', String(options.announced)]]));
    await new Promise<void>((resolve) => socket.write(options.sent, () => resolve()));
    socket.destroy();
  };
}

/** Sends these bytes, whatever they are, and hangs up. */
export function rawBytes(bytes: Buffer | string): Answer {
  return async ({ socket, gone }) => {
    socket.end(Buffer.from(bytes));
    await gone;
  };
}
