// The largest bodies on the inline path, the plugin-server protocol. Larger bodies would block Kong (docs/kong.md) and take the handoff
// path.

export const INLINE_MAX_REQUEST_BYTES = 1024 * 1024;
export const INLINE_MAX_RESPONSE_BYTES = 512 * 1024;
