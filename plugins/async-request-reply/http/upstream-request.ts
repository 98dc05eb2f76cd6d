// The request as the upstream will see it: recorded at the accept, and sent by a worker.
import type { HeaderField } from './reply';

/** The address that Kong's balancer would have connected to. */
export interface UpstreamTarget {
  readonly scheme: 'http' | 'https';
  /** An IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
}

/** Request line and header fields, without the body. Strings are bytes as Latin-1. */
export interface UpstreamRequestHead {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly path: string;
  readonly target: UpstreamTarget;
  /** With `Host`; with `Content-Length` only if the client's request had a body or stated a length of 0. */
  readonly headers: readonly HeaderField[];
}

/** A response's status and header fields, as stored: see `storableResponseFields`. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /**
   * Only for a response to HEAD and a 304, which have no content: the length that it states for the content (RFC 9110, 8.6), null if
   * it states none.
   */
  readonly statedLength?: number | null;
}
