// X-Forwarded-Prefix: what a proxy in front took off the path before it sent the request on.

const MAX_CHARACTERS = 512;

/** One slash and a segment of URI characters (RFC 3986, 3.3), as often as needed; no comma, which would make a list of it. */
const PREFIX = /^(?:\/(?:[A-Za-z0-9._~!$&'()*+;=:@-]|%[0-9A-Fa-f]{2})+)+$/;

/** Segments that a client resolves: a prefix with one would lead elsewhere. */
const DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * What is to stand before a path so that it leads back through that proxy, without a slash at its end.
 *
 * @returns '' for what is no absolute path: an address of another host, several prefixes, nonsense.
 */
export function pathPrefix(value: string): string {
  const prefix = value.trim().replace(/\/$/, '');
  return prefix.length <= MAX_CHARACTERS && PREFIX.test(prefix) && !DOTS.test(prefix) ? prefix : '';
}
