import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';
import { decodeArgs } from '../pdk/query-args';

const DEFAULT_MESSAGES: Record<number, string> = {
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  500: 'An unexpected error occurred',
  502: 'Bad Gateway',
  503: 'Service unavailable',
};

/** What Kong's `request-termination` does in access; `echo` is not there. */
export function requestTermination(exchange: Exchange, config: PluginConfig): void {
  const status = config['status_code'] as number;
  const trigger = config['trigger'];
  if (typeof trigger === 'string' && !isTriggered(exchange, trigger)) return;
  if (typeof config['body'] === 'string') {
    const type = config['content_type'];
    exchange.answer = {
      status,
      body: config['body'],
      headers: type === undefined ? {} : { 'Content-Type': type },
    };
    return;
  }
  const message = (config['message'] as string | undefined) ?? DEFAULT_MESSAGES[status];
  exchange.answer = { status, body: message === undefined ? null : { message }, headers: {} };
}

function isTriggered(exchange: Exchange, name: string): boolean {
  return exchange.headers.first(name) !== null || decodeArgs(exchange.query ?? '', 100)[name] !== undefined;
}
