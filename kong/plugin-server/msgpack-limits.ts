// Bounds of the codec, in one place because reader and writer share them.

/**
 * Levels of arrays and maps. Kong's JSON decoder stops at 1,000 levels, so that nothing it can hold (a JSON body read
 * with `kong.request.get_body`) is refused here; far below what JavaScript's stack takes.
 */
export const MSGPACK_MAX_DEPTH = 1_024;

/** A larger message is rejected and its connection closed. Bodies of that size use the handoff path. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
