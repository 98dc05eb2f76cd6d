// nginx replies according to the current method of a request: to HEAD without content, to any other method with content. An earlier
// plugin may have changed the method (`http_method` of request-transformer), so that it has to be set back.
import type { Pdk } from './pdk';
import { sentMethod, type NginxVariables } from './nginx-variables';

/** The methods that both nginx and the handoff listener know. */
const KNOWN: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * Makes nginx reply according to the method that the client sent.
 *
 * @param isProxied whether nginx proxies the request to the listener, which rejects unknown methods.
 * @returns the method that the request has from now on.
 */
export async function settleMethod(pdk: Pdk, variables: NginxVariables, isProxied: boolean): Promise<string> {
  const sent = await sentMethod(variables);
  const current = await variables.get('request_method');
  if ((current === 'HEAD') === (sent === 'HEAD') && (!isProxied || KNOWN.has(current))) {
    return current;
  }
  // nginx sends a POST only once, even if the listener closes the connection.
  const method = KNOWN.has(sent) ? sent : 'POST';
  await pdk.service.request.set_method(method);
  return method;
}
