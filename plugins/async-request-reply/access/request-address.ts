// The address that a client sent its request to: with method, path, query and body it makes two requests the same.
import type { GatewayRequest } from './gateway-request';

/** Of http and https: a client may name them or not, and https ends in front of many a gateway (RFC 9110, 4.2.3). */
const DEFAULT_PORT = /:(?:80|443)?$/;

/** A host in one spelling: without case and without the port of its scheme. */
const normalAuthority = (host: string): string => host.toLowerCase().replace(DEFAULT_PORT, '');

/**
 * Host as the client sent it, beside what a proxy that Kong trusts says that the client called it, host and path. The
 * scheme is no part of it: a request that is repeated over https is the same.
 */
export async function requestAddress(request: GatewayRequest): Promise<string> {
  const { hosts, prefix } = await request.sent();
  return [...hosts.map(normalAuthority), prefix].join('\n');
}
