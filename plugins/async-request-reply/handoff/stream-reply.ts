// Sends a reply to nginx. A stored body is streamed out of Redis no faster than the client reads it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RouteContext } from '../access/access-context';
import { dropTaken } from '../access/poll/consume-result';
import { readable } from '../access/poll/read-result';
import { headBytes } from '../http/head-size';
import { hasContent, lengthToState, type HeaderField, type Reply, type StoredBody } from '../http/reply';
import { PayloadLostError } from '../payloads/payload-errors';

/**
 * Keeps nginx from buffering the response: it neither writes it to disk nor reads ahead of the client. nginx removes the field. It is
 * left out if the head has no room for it.
 */
const UNBUFFERED: HeaderField = ['X-Accel-Buffering', 'no'];

interface StreamReplyOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly reply: Reply;
  /** The route whose store has the body; undefined if the route is not known. */
  readonly route: RouteContext | undefined;
}

/**
 * @throws AsyncError before anything was sent, if the body cannot be read or decrypted; Error if the reply could not be sent whole:
 *   then the connection has to be closed.
 */
export async function streamReply({ request, response, reply, route }: StreamReplyOptions): Promise<void> {
  const sendsContent = hasContent(reply.status) && request.method !== 'HEAD';
  const length = lengthToState(reply);
  const source = Buffer.isBuffer(reply.body) || !sendsContent ? reply.body : await open(reply.body, route);
  response.sendDate = false;
  // With HTTP/1.1 it says nothing, and nginx limits the bytes of the head.
  response.removeHeader('Connection');
  const fields = [...reply.headers];
  if (length !== null) {
    fields.push(['Content-Length', String(length)]);
  }
  const maxBytes = route?.settings.handoff?.maxHeadBytes ?? Infinity;
  if (headBytes(reply.status, [...fields, UNBUFFERED]) <= maxBytes) {
    fields.push(UNBUFFERED);
  }
  response.writeHead(reply.status, fields.flat());
  // The rest of an upload that was rejected, which nginx is still sending.
  request.resume();
  if (!(source instanceof Readable)) {
    response.end(sendsContent ? source : undefined);
    return;
  }
  await pipeline(source, response);
  if (!Buffer.isBuffer(reply.body) && reply.body.isDeletedAfterRead && route !== undefined) {
    await dropTaken(route.store, reply.body.jobId, reply.body.result);
  }
}

/** Reads the first chunk, too, so that a body which cannot be read is known before anything is sent. */
async function open(body: StoredBody, route: RouteContext | undefined): Promise<Readable> {
  if (route === undefined) {
    throw new PayloadLostError();
  }
  return readable(body.jobId, async () => {
    const { rest, first } = await route.store.read(async ({ payloads }) => {
      const stored = await payloads.readResponse(body.jobId, body.result, route.settings.keys);
      if (stored === undefined) {
        throw new PayloadLostError();
      }
      const chunks = stored.read(body.start, body.end);
      return { rest: chunks, first: await chunks.next() };
    });
    return Readable.from(first.done === true ? [] : withFirst(first.value, rest), { objectMode: false });
  });
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}
