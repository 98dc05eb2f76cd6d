// The addresses of a job: status URL and result URL.
import type { JobLinks } from '../jobs/status-body';
import type { RequestLine } from './gateway-request';
import type { RouteSettings } from './route-settings';

export type { JobLinks };

/**
 * A job's addresses, relative to the gateway, or to the proxy in front of it, or as the route's `status_url` has them.
 *
 * @param line the request's. Leading slashes and backslashes are folded into one slash, so that no client takes the path for
 *   a host (RFC 3986, 4.2; a browser takes a backslash for a slash: WHATWG URL).
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
  const path = (uri.split('?', 1)[0] ?? '').replace(/^[/\\]+/, '/');
  const status = `${prefix}${path}?${encodeURIComponent(idQuery)}=${id}`;
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
