// Hosts as they stand in a URI and in Host, where an IPv6 address is in brackets (RFC 3986, 3.2.2), and as they are connected to.

/** `[::1]` of `::1`; names and IPv4 addresses are as they are. */
export const toUriHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** `::1` of `[::1]`. */
export const fromUriHost = (host: string): string => host.replace(/^\[|\]$/g, '');
