// What the gateway is to do with a request, as plain data. The access side decides on an action; each way to Kong carries it out
// (kong-api/execute-action.ts).
import type { HeaderField, Reply, ShortReply, StoredBody } from '../http/reply';
import type { Submission } from './submit/accept-job';

/** Kong answers the client with a reply that is in memory. */
interface ReplyAction {
  readonly kind: 'reply';
  readonly reply: ShortReply;
}

/** nginx proxies the request to the handoff listener, which executes the command. */
export interface StreamAction {
  readonly kind: 'stream';
  readonly command: StreamingCommand;
}

/** Kong proxies the request to the upstream. */
export interface PassAction {
  readonly kind: 'pass';
  /** The request fields that this decision depends on, for caches on the way. */
  readonly vary?: string;
  /** A worker's own request, which the fail-closed guard has to let pass, too. */
  readonly isLoopback?: boolean;
}

export type GatewayAction = ReplyAction | StreamAction | PassAction;

/** Accept the job whose body the request brings. */
export interface AcceptCommand extends Submission {
  readonly kind: 'accept';
}

/** Answer with a part of a stored response. */
interface ReplayCommand {
  readonly kind: 'replay';
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: StoredBody;
  /** Fields that Kong adds to the reply, whatever the listener sends. */
  readonly presets?: readonly HeaderField[];
  readonly statedLength?: number | null;
}

/** What the handoff listener does with a request: everything but the body. */
export type StreamingCommand = AcceptCommand | ReplayCommand;

export const PASS: PassAction = { kind: 'pass' };

/** Answers with `reply`: from memory, or streamed if its body is still in the store. */
export function replyWith(reply: Reply): ReplyAction | StreamAction {
  const { body, ...head } = reply;
  return Buffer.isBuffer(body)
    ? { kind: 'reply', reply: { ...head, body } }
    : { kind: 'stream', command: { kind: 'replay', ...head, body } };
}
