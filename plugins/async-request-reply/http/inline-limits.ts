// What goes through the plugin-server protocol, from Kong and back to it: larger bodies would block Kong (docs/kong.md), and
// are handed off.

export const INLINE_MAX_REQUEST_BYTES = 1024 * 1024;
export const INLINE_MAX_RESPONSE_BYTES = 512 * 1024;
