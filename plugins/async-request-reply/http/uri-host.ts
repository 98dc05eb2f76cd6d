// Converts hosts between URIs, in which an IPv6 address has brackets (RFC 3986, 3.2.2), and connections, for which it has none.

/** `[::1]` from `::1`. Names and IPv4 addresses stay unchanged. */
export const toUriHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** `::1` from `[::1]`. */
export const fromUriHost = (host: string): string => host.replace(/^\[|\]$/g, '');
