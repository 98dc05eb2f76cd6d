// Replies of the access side, whichever path they take to the client.

/** A header field as name and value. Repeated fields stay apart and in order. Values are bytes as Latin-1. */
export type HeaderField = readonly [name: string, value: string];

/** A part of a stored response that is read while it is sent, since it is too large for memory. */
export interface StoredBody {
  readonly jobId: string;
  /** `RUN.ATTEMPT` */
  readonly result: string;
  /** The first byte. */
  readonly start: number;
  /** The last byte. */
  readonly end: number;
  /** Whether the response is deleted once it has been sent. */
  readonly isDeletedAfterRead: boolean;
}

/**
 * The fields of every reply that the plugin makes itself. Caches must not store it, and browsers must not guess its type, since it may
 * contain parts of a path.
 */
export const OWN_ANSWER_FIELDS: readonly HeaderField[] = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

export interface Reply {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /** Further fields, which Kong adds on the handoff path: with them the header section would be too large for nginx. */
  readonly presets?: readonly HeaderField[];
  readonly body: Buffer | StoredBody;
  /** For a reply to HEAD and a 304, which have no content but may state its length: that length, or null for none. */
  readonly statedLength?: number | null;
}

/** A reply that is in memory: the inline path carries no other. */
export interface ShortReply extends Reply {
  readonly body: Buffer;
}

const bodyLength = ({ body }: Reply): number =>
  Buffer.isBuffer(body) ? body.length : body.end + 1 - body.start;

/** Statuses that have no content (RFC 9110, 15.3.5 and 15.4.5). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 304]);

export const hasContent = (status: number): boolean => !WITHOUT_CONTENT.has(status);

/** The value of `Content-Length`; null for none. */
export function lengthToState(reply: Reply): number | null {
  const { status, statedLength } = reply;
  return statedLength !== undefined ? statedLength : hasContent(status) ? bodyLength(reply) : null;
}
