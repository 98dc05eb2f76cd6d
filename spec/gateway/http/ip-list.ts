import { BlockList, isIPv6 } from 'node:net';

/** @param ranges addresses and CIDR ranges */
export function isOn(ranges: readonly string[], address: string): boolean {
  const family = (text: string): 'ipv4' | 'ipv6' => (isIPv6(text) ? 'ipv6' : 'ipv4');
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    if (bits === undefined) list.addAddress(network, family(network));
    else list.addSubnet(network, Number(bits), family(network));
  }
  return list.check(address, family(address));
}
