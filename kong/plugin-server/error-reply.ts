// Replies that the server sends if the plugin cannot. Kong proxies a request whose plugin returns nothing, so without a
// reply in the access phase the request would bypass the plugin.
import type { PdkCall } from './event-channel';

/** A response of the server itself, sent as `kong.response.exit` if the plugin cannot respond. */
export interface ErrorReply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The phases that have `kong.response.exit` and come before the upstream (Kong 3.9 `kong/pdk/response.lua`). */
const PHASES_THAT_EXIT: ReadonlySet<string> = new Set(['rewrite', 'access', 'response']);

/** The message that ends an event of `phase` with `reply`, or without a reply if the phase cannot have one. */
export function errorReplyCall(reply: ErrorReply, phase: string): PdkCall | 'ret' {
  if (!PHASES_THAT_EXIT.has(phase)) {
    return 'ret';
  }
  return { Method: 'kong.response.exit', Args: [reply.status, reply.body, reply.headers] };
}
