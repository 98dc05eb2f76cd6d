// What a request is, in 32 bytes: method, path, query and body. The body may come in pieces, as a lane that streams has it.
import { createHash, type Hash } from 'node:crypto';
import type { RequestLine } from '../gateway-request';

/** SHA-256 over method, target as the client sent it, and body. Two requests with one digest are the same request. */
export class RequestDigest {
  readonly #hash: Hash;

  constructor({ method, uri }: Pick<RequestLine, 'method' | 'uri'>) {
    // Neither method nor target can hold a line break.
    this.#hash = createHash('sha256').update(`${method}\n${uri}\n`, 'latin1');
  }

  /** Adds the next piece of the body. */
  update(chunk: Buffer): this {
    this.#hash.update(chunk);
    return this;
  }

  /** The digest in hexadecimal. Nothing may be added after it. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
