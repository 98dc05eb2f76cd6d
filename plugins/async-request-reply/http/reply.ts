// What the access side answers with, whichever lane carries it to the client.

/** A header field as name and value; repeated names stay apart and in order. Values are bytes as Latin-1. */
export type HeaderField = readonly [name: string, value: string];

/** A part of a stored response, to be read when it is sent: too large to be in memory. */
export interface StoredBody {
  readonly jobId: string;
  /** `RUN.ATTEMPT` */
  readonly result: string;
  /** First and last byte. */
  readonly start: number;
  readonly end: number;
  /** Whether the response goes once it has been sent. */
  readonly isDeletedAfterRead: boolean;
}

/**
 * What every answer that is ours alone says: nobody stores it, and no browser takes it for another type than it states, since
 * parts of a path may stand in it.
 */
export const OWN_ANSWER_FIELDS: readonly HeaderField[] = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
];

export interface Reply {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  /** More fields, which Kong adds: with them the header section would be too large for nginx. Only where it is handed off. */
  readonly presets?: readonly HeaderField[];
  readonly body: Buffer | StoredBody;
  /** Of a reply that has no content but tells of some, as one to HEAD and 304 may: its length, null for none. */
  readonly statedLength?: number | null;
}

/** A reply that is all in memory: the only kind that the plugin-server protocol carries. */
export interface ShortReply extends Reply {
  readonly body: Buffer;
}

const bodyLength = ({ body }: Reply): number =>
  Buffer.isBuffer(body) ? body.length : body.end + 1 - body.start;

/** Statuses that have no content (RFC 9110, 15.3.5 and 15.4.5). */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 304]);

export const hasContent = (status: number): boolean => !WITHOUT_CONTENT.has(status);

/** What the reply says in `Content-Length`; null is nothing. */
export function lengthToState(reply: Reply): number | null {
  const { status, statedLength } = reply;
  return statedLength !== undefined ? statedLength : hasContent(status) ? bodyLength(reply) : null;
}

/** Left to Kong and the upstream. */
export interface Pass {
  readonly kind: 'pass';
  /** Which fields of the request had a say in it: caches on the way have to know. */
  readonly vary?: string;
  /** A worker's own request, which the fail-closed companion has to let pass too. */
  readonly isLoopback?: boolean;
}

/** What becomes of a request: answered by us, left to Kong and the upstream, or taken over by the handoff lane. */
export type Decision =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | Pass
  /** `order` is the handoff's own: handoff/streaming-command.ts. */
  | { readonly kind: 'hand-off'; readonly command: unknown };

export const PASS: Decision = { kind: 'pass' };

export const replyWith = (reply: Reply): Decision => ({ kind: 'reply', reply });
