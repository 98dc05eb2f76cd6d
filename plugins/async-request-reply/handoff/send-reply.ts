// Sends a reply to nginx; a stored body streams out of Redis no faster than the client takes it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { readable } from '../access/poll/read-result';
import { headBytes } from '../http/head-size';
import { hasContent, lengthToState, type HeaderField, type Reply, type StoredBody } from '../http/reply';
import { PayloadLostError } from '../payloads/payload-errors';
import { dropTaken } from '../access/poll/consume-result';
import type { HandoffTarget } from './target';

/** nginx then neither fills its disk nor runs ahead of the client; it takes the field away itself. Left out where there is no room. */
const UNBUFFERED = ['X-Accel-Buffering', 'no'] as const;

/**
 * @throws AsyncError before anything was sent, where the body cannot be read or decrypted; Error where it could not be sent whole:
 *   the connection is to be closed then.
 */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  target: HandoffTarget | undefined,
): Promise<void> {
  const sendsContent = hasContent(reply.status) && request.method !== 'HEAD';
  const length = lengthToState(reply);
  const source = Buffer.isBuffer(reply.body) || !sendsContent ? reply.body : await open(reply.body, target);
  response.sendDate = false;
  // With HTTP/1.1 it says nothing, and its bytes count: nginx takes so many.
  response.removeHeader('Connection');
  const fields: HeaderField[] = [
    ...reply.headers,
    ...(length === null ? [] : [['Content-Length', String(length)] as const]),
  ];
  const maxBytes = target?.settings.handoff?.maxHeadBytes ?? Infinity;
  const isUnbuffered = headBytes(reply.status, [...fields, UNBUFFERED]) <= maxBytes;
  response.writeHead(reply.status, [...fields, ...(isUnbuffered ? [UNBUFFERED] : [])].flat());
  // What is left of an upload that was refused: nginx is still sending it.
  request.resume();
  if (!(source instanceof Readable)) {
    response.end(sendsContent ? source : undefined);
    return;
  }
  await pipeline(source, response);
  if (!Buffer.isBuffer(reply.body) && reply.body.isDeletedAfterRead && target !== undefined) {
    await dropTaken(target.store, reply.body.jobId, reply.body.result);
  }
}

/** Reads the first chunk too: whether it can be read is known before anything is sent. */
async function open(body: StoredBody, target: HandoffTarget | undefined): Promise<Readable> {
  if (target === undefined) {
    throw new PayloadLostError();
  }
  return readable(body.jobId, async () => {
    const [chunks, first] = await target.store.read(async ({ payloads }) => {
      const stored = await payloads.readResponse(body.jobId, body.result, target.settings.keys);
      if (stored === undefined) {
        throw new PayloadLostError();
      }
      const read = stored.read(body.start, body.end);
      return [read, await read.next()] as const;
    });
    return Readable.from(first.done === true ? [] : withFirst(first.value, chunks), { objectMode: false });
  });
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}
