import { BlockList, isIPv6 } from 'node:net';
import type { PluginConfig } from '../config/plugin-config';
import { errorAnswer } from '../http/error-answer';
import type { Exchange } from '../http/exchange';

/** Kong's `ip-restriction`: who is on `deny`, or not on an `allow` that has somebody, is refused. */
export function ipRestriction(exchange: Exchange, config: PluginConfig): void {
  const { remoteAddress } = exchange;
  const deny = (config['deny'] as string[] | undefined) ?? [];
  const allow = (config['allow'] as string[] | undefined) ?? [];
  if (!isOn(deny, remoteAddress) && (allow.length === 0 || isOn(allow, remoteAddress))) return;
  const message = (config['message'] as string | undefined) ?? `IP address not allowed: ${remoteAddress}`;
  exchange.answer = errorAnswer(exchange, (config['status'] as number | undefined) ?? 403, message);
}

/** @param ranges addresses and CIDR ranges */
function isOn(ranges: readonly string[], address: string): boolean {
  const family = (text: string): 'ipv4' | 'ipv6' => (isIPv6(text) ? 'ipv6' : 'ipv4');
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    if (bits === undefined) list.addAddress(network, family(network));
    else list.addSubnet(network, Number(bits), family(network));
  }
  return list.check(address, family(address));
}
