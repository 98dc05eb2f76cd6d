// nginx answers by the method that a request has by then: to HEAD it sends no content, and to whatever else some. A plugin
// before ours may have made it another than the client's (request-transformer's `http_method`).
import type { Pdk } from './pdk';
import { sentMethod, type NginxVariables } from './nginx-variables';

/** Those that the handoff listener and nginx both know. */
const KNOWN: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Sees to it that nginx answers as the client's method wants it.
 *
 * @param goesOn nginx is to carry the request to the listener, which takes no method that it does not know.
 * @returns the method that the request has from now on.
 */
export async function settleMethod(pdk: Pdk, variables: NginxVariables, goesOn: boolean): Promise<string> {
  const sent = await sentMethod(variables);
  const current = await variables.get('request_method');
  if ((current === 'HEAD') === (sent === 'HEAD') && (!goesOn || KNOWN.has(current))) {
    return current;
  }
  // POST is sent once only, whatever the listener does with its connection.
  const method = KNOWN.has(sent) ? sent : 'POST';
  await pdk.service.request.set_method(method);
  return method;
}
