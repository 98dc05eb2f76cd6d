import type http from 'node:http';
import type { Readable } from 'node:stream';
import type { BodySource } from './request-body';

/**
 * Sends a body behind the head that the request has, at the pace of the receiving side.
 * @param onProgress called for each piece that goes out
 * @returns what to call when the response is there: nginx then sends no more of a body that it has in full, and goes on
 *   with one that still comes
 */
export function sendBody(request: http.ClientRequest, body: BodySource, onProgress: () => void): () => void {
  if (body.kind === 'whole' && Buffer.isBuffer(body.content)) {
    request.end(body.content);
    return () => undefined;
  }
  const stream = body.kind === 'stream' ? body.stream : (body.content as () => Readable)();
  request.chunkedEncoding = body.length === null;
  request.flushHeaders();
  stream.on('data', onProgress);
  stream.on('error', () => request.destroy());
  stream.pipe(request);
  const stop = (): void => {
    stream.off('data', onProgress);
    stream.unpipe(request);
    if (body.kind === 'whole') stream.destroy();
  };
  request.once('close', stop);
  return body.kind === 'whole' ? stop : () => undefined;
}
