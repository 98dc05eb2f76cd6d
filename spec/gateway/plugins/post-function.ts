import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';

const UNAVAILABLE = {
  type: 'about:blank',
  title: 'Service Unavailable',
  status: 503,
  detail: 'The plugin server cannot be reached. Nothing was accepted.',
};

/**
 * Kong's `post-function`, as far as the stand-in has it: what kong/fail-closed.lua does, in TypeScript, since there is
 * no Lua here. No other function gets past the plugin's schema (config/bundled-schemas.ts).
 */
export function postFunction(exchange: Exchange, config: PluginConfig): void {
  const { balancer_data: target, service } = exchange.context;
  if ((config['access'] as string[]).length === 0) return;
  const isElsewhere = target?.['host'] !== service?.host || target?.['port'] !== service?.port;
  if (target && service && target['host'] === '127.0.0.1' && isElsewhere) return;
  exchange.answer = {
    status: 503,
    body: UNAVAILABLE,
    headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' },
  };
}
