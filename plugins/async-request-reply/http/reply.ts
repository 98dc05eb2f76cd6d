// What the access side answers with, whichever lane carries it to the client.

/** A header field as name and value; repeated names stay apart and in order. Values are bytes as Latin-1. */
export type HeaderField = readonly [name: string, value: string];

export interface Reply {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: Buffer;
}

/** What becomes of a request: answered by us, or left to Kong and the upstream. */
export type Decision =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** `vary` says which fields of the request had a say in it: caches on the way have to know. */
  | { readonly kind: 'pass'; readonly vary?: string };

export const PASS: Decision = { kind: 'pass' };

export const replyWith = (reply: Reply): Decision => ({ kind: 'reply', reply });
