// The request as the upstream will see it, taken down at accept and sent by a worker.
import type { HeaderField } from './reply';

/** Where the request goes: what Kong's balancer would have connected to. */
export interface UpstreamTarget {
  readonly scheme: 'http' | 'https';
  /** An IPv6 address is without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Request line and header fields, without the body. Strings are bytes as Latin-1. */
export interface UpstreamRequestHead {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly path: string;
  readonly target: UpstreamTarget;
  /** `Host` among them; `Content-Length` only where the client's request had a body or said that it has none. */
  readonly headers: readonly HeaderField[];
}

/** A response's status and header fields, as stored: see `storableResponseFields`. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /**
   * Only of a response that has no content where another would have some, to HEAD or with 304: the length that it states of that
   * content (RFC 9110, 8.6), null where it states none.
   */
  readonly statedLength?: number | null;
}
