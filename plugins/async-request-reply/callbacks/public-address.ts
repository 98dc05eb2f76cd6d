// Decides which addresses a callback may go to. A name is resolved once, all its addresses are checked, and the connection goes to
// a checked address: a name that resolves differently a moment later (DNS rebinding) has no effect.
import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { fromUriHost } from '../http/uri-host';

/** A name resolves to an address that is not public, or the URL contains such an address. */
export class PrivateAddressError extends Error {
  readonly code = 'ARR_PRIVATE_ADDRESS';

  constructor() {
    super('the host is, or resolves to, an address that is not public');
  }
}

export type Resolve = (
  host: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const systemResolve: Resolve = (host, callback) => dnsLookup(host, { all: true, verbatim: true }, callback);

/** Global unicast (RFC 4291, 2.4): all IPv6 addresses that have been allocated. The rest is reserved or has another use. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Whether an address is on the public internet: not loopback, link-local, private, carrier-grade NAT, multicast, documentation
 * or reserved, nor such an IPv4 address mapped to IPv6. Addresses that tunnel to another one (NAT64, 6to4, Teredo) are not
 * public: where the tunnel ends is not known.
 */
export function isPublicAddress(address: string): boolean {
  const [text = ''] = fromUriHost(address).split('%', 1);
  if (!ipaddr.isValid(text)) {
    return false;
  }
  const parsed = ipaddr.process(text);
  return (
    parsed.range() === 'unicast' &&
    (parsed.kind() === 'ipv4' || (parsed as ipaddr.IPv6).match(GLOBAL_UNICAST))
  );
}

/** Whether a URL's host is an address, for which no name is looked up. */
export const isAddress = (host: string): boolean => ipaddr.isValid(fromUriHost(host));

/** The lookup of a connection to public addresses only: a name with any other address is rejected. */
export const publicLookup =
  (resolve: Resolve = systemResolve): LookupFunction =>
  (host, options, callback) => {
    resolve(host, (error, addresses) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new PrivateAddressError(), '', 0);
      } else if (options.all === true) {
        callback(null, addresses);
      } else {
        callback(null, first.address, first.family);
      }
    });
  };
