// X-Forwarded-Prefix: the path prefix that a proxy in front of Kong removed before it forwarded the request.

const MAX_CHARACTERS = 512;

/** One or more segments of URI characters (RFC 3986, 3.3), each after a slash. A comma is not allowed: it would separate a list. */
const PREFIX = /^(?:\/(?:[A-Za-z0-9._~!$&'()*+;=:@-]|%[0-9A-Fa-f]{2})+)+$/;

/** Dot segments, which a client resolves: a prefix with one would lead elsewhere. */
const DOTS = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * The prefix, without a trailing slash, with which a path leads back through that proxy.
 *
 * @returns '' for a value that is not one absolute path, such as the address of another host or several prefixes.
 */
export function pathPrefix(value: string): string {
  const prefix = value.trim().replace(/\/$/, '');
  return prefix.length <= MAX_CHARACTERS && PREFIX.test(prefix) && !DOTS.test(prefix) ? prefix : '';
}
