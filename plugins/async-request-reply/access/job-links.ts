// The addresses of a job: status URL and result URL.
import type { JobLinks } from '../jobs/status-body';
import type { RequestLine } from './gateway-request';
import type { RouteSettings } from './route/route-settings';

export type { JobLinks };

/**
 * Characters that RFC 3986, 3.3 does not allow in a path. nginx accepts some of them, such as bytes over 127; encoded, they are the
 * same in `Location` and in JSON. Brackets stay: an encoded bracket is another character to Kong's router.
 */
const NOT_IN_A_PATH = /[^A-Za-z0-9._~!$&'()*+,;=:@/%[\]-]/g;

const percent = (byte: string): string =>
  `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

/** A path that every client resolves to the request's own path. Kong's router treats several slashes as one. */
const pathOf = (uri: string): string =>
  (uri.split(/[?#]/, 1)[0] ?? '').replace(/^\/+/, '/').replace(NOT_IN_A_PATH, percent);

/**
 * The addresses of a job: relative to the gateway or to the proxy in front of it, or as the route's `status_url` has them.
 *
 * @param line of the request. Leading slashes become one slash and backslashes are encoded, so that no client reads the path as
 *   a host (RFC 3986, 4.2; browsers treat a backslash as a slash: WHATWG URL).
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
 * Whether a client can fetch the status URL on this route.
 *
 * @param routeMethods the methods that Kong's route accepts; undefined means all.
 */
export const hasLinks = (settings: RouteSettings, routeMethods: readonly string[] | undefined): boolean =>
  settings.statusUrl !== undefined || routeMethods === undefined || routeMethods.includes('GET');

/** nginx accepts a few KiB of header section from the handoff listener, and clients have limits of their own. */
const MAX_LOCATION_LENGTH = 2048;

/**
 * The value of `Location` for a job's address. A long address is given by its query alone. The client resolves it against the
 * address of its request (RFC 9110, 10.2.2; RFC 3986, 5.2.2), which has the same path.
 *
 * @param link of `jobLinks`, for the request that is answered.
 */
export const toLocation = (link: string): string =>
  link.length > MAX_LOCATION_LENGTH ? link.slice(link.indexOf('?')) : link;
