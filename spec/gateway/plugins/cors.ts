import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';

/** Kong's `cors`: answers preflights, and states which pages may read what (kong/plugins/cors/handler.lua). */
export function cors(exchange: Exchange, config: PluginConfig): void {
  const { headers, responseHeaders } = exchange;
  const isPreflight =
    exchange.method === 'OPTIONS' &&
    headers.first('origin') !== null &&
    headers.first('access-control-request-method') !== null;
  if (!isPreflight) {
    exchange.observers.push({ onHead: () => decorate(exchange, config) });
    return;
  }
  if (config['preflight_continue'] === true) return;
  allowOrigin(exchange, config, 'set');
  const asked = headers.first('access-control-request-headers');
  const allowed = strings(config, 'headers').join(',') || asked;
  if (allowed) responseHeaders.set('Access-Control-Allow-Headers', allowed);
  responseHeaders.set('Access-Control-Allow-Methods', strings(config, 'methods').join(','));
  if (typeof config['max_age'] === 'number') {
    responseHeaders.set('Access-Control-Max-Age', String(config['max_age']));
  }
  if (
    config['private_network'] === true &&
    headers.first('access-control-request-private-network') === 'true'
  ) {
    responseHeaders.set('Access-Control-Allow-Private-Network', 'true');
  }
  exchange.answer = { status: 200, body: null, headers: {} };
}

/** Every other response on the route. */
function decorate(exchange: Exchange, config: PluginConfig): void {
  allowOrigin(exchange, config, 'add');
  const exposed = strings(config, 'exposed_headers');
  if (exposed.length > 0) exchange.responseHeaders.set('Access-Control-Expose-Headers', exposed.join(','));
}

function allowOrigin(exchange: Exchange, config: PluginConfig, vary: 'set' | 'add'): void {
  const { headers, responseHeaders } = exchange;
  const origins = strings(config, 'origins');
  const sent = headers.first('origin');
  const isAll = origins.length === 0 || (origins.length === 1 && origins[0] === '*');
  if (!isAll) responseHeaders[vary]('vary', 'Origin');
  const allowed = isAll ? '*' : allowedOrigin(origins, sent);
  if (allowed === null) responseHeaders.clear('access-control-allow-origin');
  else responseHeaders.set('Access-Control-Allow-Origin', allowed);
  if (config['credentials'] !== true) return;
  // Where all may come the field says which one did: with credentials `*` means none (Fetch, 3.2.5).
  if (allowed === '*') {
    if (sent === null) return;
    responseHeaders[vary]('vary', 'Origin');
    responseHeaders.set('Access-Control-Allow-Origin', sent);
  }
  responseHeaders.set('Access-Control-Allow-Credentials', 'true');
}

/** What is said of an origin that one of the entries allows; a single plain entry is said to everybody. */
function allowedOrigin(origins: readonly string[], sent: string | null): string | null {
  const isPlain = (entry: string): boolean => /^[A-Za-z0-9.:/-]+$/.test(entry);
  const [only = ''] = origins;
  if (origins.length === 1 && isPlain(only)) return only;
  if (sent === null) return null;
  if (origins.includes('*')) return '*';
  const { domain, host } = normalized(sent);
  const isFound = origins.some((entry) => {
    if (isPlain(entry)) return normalized(entry).domain === domain;
    const anchored = new RegExp(`^(?:${entry.replace(/^\^/, '').replace(/\$$/, '')})$`);
    return anchored.test(entry.includes(':') ? domain : host);
  });
  return isFound ? domain : null;
}

/** An origin without the port that its scheme has anyway. */
function normalized(origin: string): { domain: string; host: string } {
  const [, scheme, host, port] = /^(?:([a-z][a-z0-9+.-]*):)?\/\/([^/:]+)(?::(\d+))?/i.exec(origin) ?? [];
  if (host === undefined) return { domain: origin, host: origin };
  const isDefault = (scheme === 'http' && port === '80') || (scheme === 'https' && port === '443');
  const prefix = scheme === undefined ? '' : `${scheme}://`;
  return { domain: `${prefix}${host}${port === undefined || isDefault ? '' : `:${port}`}`, host };
}

const strings = (config: PluginConfig, field: string): string[] =>
  (config[field] as string[] | undefined) ?? [];
