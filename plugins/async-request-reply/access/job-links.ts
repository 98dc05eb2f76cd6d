// The addresses of a job: status URL and result URL.
import type { JobLinks } from '../jobs/status-body';
import type { RequestLine } from './gateway-request';
import type { RouteSettings } from './route/route-settings';

export type { JobLinks };

/**
 * What RFC 3986, 3.3 has not in a path: nginx takes bytes over 127 and the like, and `Location` and JSON have to say the same.
 * Brackets stay: to Kong's router an encoded one is another character.
 */
const NOT_IN_A_PATH = /[^A-Za-z0-9._~!$&'()*+,;=:@/%[\]-]/g;

const percent = (byte: string): string =>
  `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** A path that leads to the same place as the request's, whoever reads it. Kong's router takes several slashes for one. */
const pathOf = (uri: string): string =>
  (uri.split(/[?#]/, 1)[0] ?? '').replace(/^\/+/, '/').replace(NOT_IN_A_PATH, percent);

/**
 * A job's addresses, relative to the gateway, or to the proxy in front of it, or as the route's `status_url` has them.
 *
 * @param line the request's. Leading slashes are folded into one, and a backslash is encoded, so that no client takes the path
 *   for a host (RFC 3986, 4.2; a browser takes a backslash for a slash: WHATWG URL).
 */
export function jobLinks(
  id: string,
  { uri, prefix }: Pick<RequestLine, 'uri' | 'prefix'>,
  { statusUrl, idQuery, resultQuery }: Pick<RouteSettings, 'statusUrl' | 'idQuery' | 'resultQuery'>,
): JobLinks {
  if (statusUrl !== undefined) {
    const status = (statusUrl.startsWith('/') ? prefix : '') + statusUrl.replace('{id}', id);
    return { status, result: `${status}/result` };
  }
  const status = `${prefix}${pathOf(uri)}?${encodeURIComponent(idQuery)}=${id}`;
  return { status, result: `${status}&${encodeURIComponent(resultQuery)}=result` };
}

/**
 * Whether a client could fetch the status URL on this route.
 *
 * @param routeMethods the methods that Kong's route takes; undefined is all.
 */
export const hasLinks = (settings: RouteSettings, routeMethods: readonly string[] | undefined): boolean =>
  settings.statusUrl !== undefined || routeMethods === undefined || routeMethods.includes('GET');

/** nginx takes a few KiB of header section from the handoff listener, and clients have limits of their own. */
const MAX_LOCATION_LENGTH = 2048;

/**
 * A job's address as `Location` has it. One that is long is given by its query alone, which the client resolves against the
 * address that it asked (RFC 9110, 10.2.2; RFC 3986, 5.2.2): the path is the same.
 *
 * @param link of `jobLinks`, for the request that is answered.
 */
export const toLocation = (link: string): string =>
  link.length > MAX_LOCATION_LENGTH ? link.slice(link.indexOf('?')) : link;
