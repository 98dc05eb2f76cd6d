import type { PluginConfig } from '../config/plugin-config';
import { errorAnswer } from '../http/error-answer';
import type { Exchange } from '../http/exchange';
import { isOn } from '../http/ip-list';

/** Kong's `ip-restriction`: rejects a client that is in `deny`, or not in an `allow` that has entries. */
export function ipRestriction(exchange: Exchange, config: PluginConfig): void {
  const { remoteAddress } = exchange;
  const deny = (config['deny'] as string[] | undefined) ?? [];
  const allow = (config['allow'] as string[] | undefined) ?? [];
  if (!isOn(deny, remoteAddress) && (allow.length === 0 || isOn(allow, remoteAddress))) return;
  const message = (config['message'] as string | undefined) ?? `IP address not allowed: ${remoteAddress}`;
  exchange.answer = errorAnswer(exchange, (config['status'] as number | undefined) ?? 403, message);
}
