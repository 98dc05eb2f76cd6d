import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';
import { decodeArgs } from '../pdk/query-args';

const UNAVAILABLE = {
  type: 'about:blank',
  title: 'Service Unavailable',
  status: 503,
  detail: 'The plugin server cannot be reached. Nothing was accepted.',
};

/** What docs/kong.md puts before it where requests have to pass. */
export const FOR_POLLS_ONLY =
  'if not (kong.request.get_header("X-Async-Kong-Id") or kong.request.get_query_arg("async-id")) then return end\n';

/**
 * Kong's `post-function`, as far as the emulator has it: what kong/fail-closed.lua does, in TypeScript, since there is
 * no Lua here. No other function gets past the plugin's schema (config/bundled-schemas.ts).
 */
export function postFunction(exchange: Exchange, config: PluginConfig): void {
  const { balancer_data: target, service } = exchange.context;
  const [lua] = config['access'] as string[];
  if (lua === undefined || (lua.startsWith(FOR_POLLS_ONLY) && !isPoll(exchange))) return;
  if (exchange.shared.get('async_request_reply') === 'loopback') return;
  const isElsewhere = target?.['host'] !== service?.host || target?.['port'] !== service?.port;
  if (target && service && target['host'] === '127.0.0.1' && isElsewhere) return;
  exchange.answer = {
    status: 503,
    body: UNAVAILABLE,
    headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' },
  };
}

const isPoll = ({ headers, query }: Exchange): boolean =>
  headers.first('x-async-kong-id') !== null || decodeArgs(query ?? '', 100)['async-id'] !== undefined;
