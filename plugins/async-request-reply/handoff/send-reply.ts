// Sends a reply to nginx; a stored body streams out of Redis no faster than the client takes it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { bodyLength, type Reply, type StoredBody } from '../http/reply';
import type { JobStore } from '../store/job-store';
import { PayloadLostError } from '../store/payload';

/** Statuses that have no content, and say no length (RFC 9110, 8.6). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 304]);

/** nginx then neither fills its disk nor runs ahead of the client; it takes the field away itself. */
const UNBUFFERED = ['X-Accel-Buffering', 'no'] as const;

/** @throws Error where the body could not be sent whole: the connection is to be closed then. */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  jobs: JobStore | undefined,
): Promise<void> {
  const source = Buffer.isBuffer(reply.body) ? reply.body : await open(reply.body, jobs);
  const hasContent = !WITHOUT_CONTENT.has(reply.status);
  response.sendDate = false;
  response.writeHead(reply.status, [
    ...reply.headers.flat(),
    ...UNBUFFERED,
    ...(hasContent ? ['Content-Length', String(bodyLength(reply))] : []),
  ]);
  // What is left of an upload that was refused: nginx is still sending it.
  request.resume();
  if (request.method === 'HEAD' || !hasContent) {
    response.end();
    return;
  }
  if (Buffer.isBuffer(source)) {
    response.end(source);
    return;
  }
  await pipeline(source, response);
  if (!Buffer.isBuffer(reply.body) && reply.body.isReadOnce) {
    await jobs?.payloads.dropResponse(reply.body.jobId, reply.body.result);
  }
}

async function open(body: StoredBody, jobs: JobStore | undefined): Promise<Readable> {
  const stored = await jobs?.payloads.readResponse(body.jobId, body.result);
  if (stored === undefined) {
    throw new PayloadLostError();
  }
  return Readable.from(stored.read(body.start, body.end), { objectMode: false });
}
