// The body of an upload from nginx. An incomplete body is an error.
import type { IncomingMessage } from 'node:http';
import type { RequestDigest } from '../access/submit/idempotency';

/** The sender of the upload closed the connection before its end. */
export class UploadAbortedError extends Error {
  constructor() {
    super('the upload broke off');
  }
}

/** @param digest gets each piece, too. @throws UploadAbortedError */
export async function* uploadBody(request: IncomingMessage, digest?: RequestDigest): AsyncGenerator<Buffer> {
  try {
    // If the reader stops early, the connection stays open: nginx keeps it for the next request.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      digest?.update(piece as Buffer);
      yield piece as Buffer;
    }
  } catch {
    throw new UploadAbortedError();
  }
  if (!request.complete) {
    throw new UploadAbortedError();
  }
}
