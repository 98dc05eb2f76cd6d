// The body of an upload as it comes from nginx, complete or not at all.
import type { IncomingMessage } from 'node:http';
import type { RequestDigest } from '../access/submit/idempotency';

/** Whoever sent the upload hung up in the middle of it. */
export class UploadAbortedError extends Error {
  constructor() {
    super('the upload broke off');
  }
}

/** @param digest takes the pieces in too. @throws UploadAbortedError */
export async function* uploadBody(request: IncomingMessage, digest?: RequestDigest): AsyncGenerator<Buffer> {
  try {
    // Not destroyed where it is left early: the connection is nginx's, who keeps it for the next request.
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
