// The address that a worker sends the request to: the one that Kong would have called, or the route's `upstream.url`.
import { AsyncError } from '../../errors/async-error';
import type { UpstreamTarget } from '../../http/upstream-request';
import { fromUriHost } from '../../http/uri-host';
import type { GatewayRequest, MatchedRoute } from '../gateway-request';
import type { RouteSettings } from '../route/route-settings';

/**
 * @throws AsyncError `load-balanced-upstream` if the host of the service is a Kong Upstream, which only Kong can resolve;
 *   `internal-error` if the service has a client certificate and the route has none.
 */
export async function upstreamTarget(
  request: GatewayRequest,
  settings: RouteSettings,
  matched: MatchedRoute,
): Promise<UpstreamTarget> {
  if (settings.upstream.mode !== 'service' && settings.upstream.url !== undefined) {
    return parseBase(settings.upstream.url);
  }
  const target = await request.target();
  if (target === 'load-balanced') {
    throw new AsyncError('load-balanced-upstream', {
      detail:
        'The service of this route points at a Kong Upstream (a load-balanced name), which a worker cannot resolve. ' +
        'Set upstream.mode to loopback, or to url with an upstream.url that does the balancing.',
    });
  }
  const { hasClientCertificate } = matched;
  if (hasClientCertificate && settings.upstream.client_cert === undefined && target.scheme === 'https') {
    throw new AsyncError('internal-error', {
      detail:
        'The service of this route has a client certificate, whose private key Kong does not disclose. ' +
        'Set upstream.client_cert and upstream.client_key.',
    });
  }
  return target;
}

function parseBase(url: string): UpstreamTarget {
  const base = new URL(url);
  const scheme = base.protocol === 'https:' ? 'https' : 'http';
  const host = fromUriHost(base.hostname);
  return { scheme, host, port: Number(base.port || (scheme === 'https' ? 443 : 80)) };
}
