// The address that a client sent its request to. Two requests are the same if address, method, path, query and body are.
import type { GatewayRequest } from './gateway-request';

/** The default ports of http and https: a client may state them or not, and TLS may end in front of Kong (RFC 9110, 4.2.3). */
const DEFAULT_PORT = /:(?:80|443)?$/;

/** A host in one spelling: in lower case, without the default port. */
const normalAuthority = (host: string): string => host.toLowerCase().replace(DEFAULT_PORT, '');

/**
 * The Host that the client sent, and the host and path prefix that a proxy which Kong trusts states. The scheme is no part of it: a
 * request that is repeated over https is the same request.
 */
export async function requestAddress(request: GatewayRequest): Promise<string> {
  const { hosts, prefix } = await request.sent();
  return [...hosts.map(normalAuthority), prefix].join('\n');
}
