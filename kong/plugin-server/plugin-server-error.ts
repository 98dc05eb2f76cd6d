/**
 * The errors of the plugin server. Match on `code`; the message is for people and, for RPC errors, for Kong's log. Codes:
 *
 * - `ERR_MSGPACK_MALFORMED`: bytes that are no MsgPack, or end too early.
 * - `ERR_MSGPACK_TOO_DEEP`: nested deeper than the codec goes, in either direction.
 * - `ERR_MSGPACK_TOO_LARGE`: a message over the size cap.
 * - `ERR_MSGPACK_UNSUPPORTED`: a JavaScript value that has no MsgPack form (a function, a symbol, a huge bigint).
 * - `ERR_RPC_REQUEST`: well-formed MsgPack that is no request of this protocol.
 * - `ERR_NO_INSTANCE`: an instance ID that this process never gave.
 * - `ERR_NO_PLUGIN`: no such plugin, or none could be loaded.
 * - `ERR_EVENT_ABANDONED`: Kong never answered a PDK call of this event, or the plugin took longer than Kong waits.
 * - `ERR_STARTUP`: a setting or a path with which the server cannot start.
 */
export class PluginServerError extends Error {
  readonly code: PluginServerErrorCode;

  constructor(code: PluginServerErrorCode, message: string) {
    super(message);
    this.name = 'PluginServerError';
    this.code = code;
  }
}

/** Stable: code outside may match on these. */
export type PluginServerErrorCode =
  | 'ERR_MSGPACK_MALFORMED'
  | 'ERR_MSGPACK_TOO_DEEP'
  | 'ERR_MSGPACK_TOO_LARGE'
  | 'ERR_MSGPACK_UNSUPPORTED'
  | 'ERR_RPC_REQUEST'
  | 'ERR_NO_INSTANCE'
  | 'ERR_NO_PLUGIN'
  | 'ERR_EVENT_ABANDONED'
  | 'ERR_STARTUP';
