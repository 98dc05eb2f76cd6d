// How the server itself answers a request in the plugin's place. Kong proxies a request whose plugin gives no answer,
// so that for an access phase no answer at all would mean a bypass of the plugin.
import type { PdkCall } from './event-channel';

/** A response of the server's own, given as `kong.response.exit` in place of a plugin's that could not answer. */
export interface ErrorReply {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The phases that have a `kong.response.exit` and an upstream behind them (Kong 3.9 `kong/pdk/response.lua`). */
const PHASES_THAT_EXIT: ReadonlySet<string> = new Set(['rewrite', 'access', 'response']);

/** The message that ends an event of `phase` with `reply`, or without one where the phase cannot have one. */
export function errorReplyCall(reply: ErrorReply, phase: string): PdkCall | 'ret' {
  if (!PHASES_THAT_EXIT.has(phase)) {
    return 'ret';
  }
  return { Method: 'kong.response.exit', Args: [reply.status, reply.body, reply.headers] };
}
