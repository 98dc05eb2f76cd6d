import { createHash } from 'node:crypto';
import type { PluginConfig } from '../config/plugin-config';
import type { Exchange } from '../http/exchange';
import type { ResponseObserver } from '../http/response-observer';
import { decodeArgs } from '../pdk/query-args';
import { luaText, type LuaTable } from '../rpc/lua-value';

interface Stored {
  status: number;
  headers: LuaTable;
  body: Buffer;
  storedAtMs: number;
  ttlMs: number;
}

const NOT_KEPT = new Set([
  'age',
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
  'x-cache-key',
  'x-cache-status',
]);

/** Kong's `proxy-cache` with its `memory` strategy and without `cache_control`; the memory is that of all workers. */
export class ProxyCache {
  readonly #stored = new Map<string, Stored>();

  /** Answers from memory, or takes the response that comes instead. */
  access(exchange: Exchange, config: PluginConfig): void {
    const tell = (name: string, value: string): void => {
      if ((config['response_headers'] as LuaTable)[name]) exchange.responseHeaders.set(name, value);
    };
    if (!(config['request_method'] as string[]).includes(exchange.method)) {
      tell('X-Cache-Status', 'Bypass');
      return;
    }
    const key = cacheKey(exchange);
    tell('X-Cache-Key', key);
    const found = this.#stored.get(key);
    const ageMs = Date.now() - (found?.storedAtMs ?? 0);
    if (found && ageMs <= found.ttlMs) {
      tell('X-Cache-Status', 'Hit');
      tell('age', String(Math.floor(ageMs / 1000)));
      // Kong says so itself, for the log plugins.
      exchange.isProxied = true;
      exchange.answer = { ...found, body: found.body.toString('latin1') };
      return;
    }
    tell('X-Cache-Status', 'Miss');
    exchange.observers.push(new Draft(exchange, config, tell, (stored) => this.#stored.set(key, stored)));
  }
}

/** A response that may be kept. */
class Draft implements ResponseObserver {
  readonly #chunks: Buffer[] = [];
  #head: { status: number; headers: LuaTable } | null = null;

  constructor(
    private readonly exchange: Exchange,
    private readonly config: PluginConfig,
    private readonly tell: (name: string, value: string) => void,
    private readonly keep: (stored: Stored) => void,
  ) {}

  onHead(status: number): void {
    const { responseHeaders } = this.exchange;
    const type = responseHeaders.first('content-type');
    const isKept =
      (this.config['response_code'] as number[]).includes(status) &&
      type !== null &&
      (this.config['content_type'] as string[]).some((expected) => isSameType(type, expected));
    if (!isKept) {
      this.tell('X-Cache-Status', 'Bypass');
      return;
    }
    const headers: Record<string, string[]> = {};
    for (const [name, value] of responseHeaders) {
      if (!NOT_KEPT.has(name.toLowerCase())) (headers[name] ??= []).push(value);
    }
    this.#head = { status, headers };
  }

  onBody(chunk: Buffer): void {
    if (this.#head) this.#chunks.push(chunk);
  }

  onEnd(): void {
    if (!this.#head) return;
    const body = Buffer.concat(this.#chunks);
    this.keep({
      ...this.#head,
      body,
      storedAtMs: Date.now(),
      ttlMs: (this.config['cache_ttl'] as number) * 1000,
    });
  }
}

/** Who, which route, method, path, and the query as the plugins before left it, in any order. */
function cacheKey({ context, method, requestLine, query }: Exchange): string {
  const { authenticated_consumer: consumer, route } = context;
  const who = consumer ? `${consumer.id}:${route?.id}` : route?.id;
  const args = Object.entries(decodeArgs(query ?? '', 100)).sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = args.map(([name, value]) => {
    if (value === true) return name;
    return `${name}=${(Array.isArray(value) ? value : [value]).map(luaText).sort().join(',')}`;
  });
  const parts = [who, method, requestLine.replace(/\?.*/, ''), texts.join(':'), ''];
  return createHash('sha256').update(parts.join('|'), 'latin1').digest('hex');
}

/** Type, subtype (or an asterisk for either) and the same parameters. */
function isSameType(type: string, expected: string): boolean {
  const [essence = '', ...parameters] = type.toLowerCase().split(/\s*;\s*/);
  const [pattern = '', ...wanted] = expected.toLowerCase().split(/\s*;\s*/);
  const [kind, subtype] = essence.split('/');
  const [wantedKind, wantedSubtype] = pattern.split('/');
  const isType = wantedKind === '*' || wantedKind === kind;
  const isSubtype = wantedSubtype === '*' || wantedSubtype === subtype;
  return isType && isSubtype && parameters.sort().join(';') === wanted.sort().join(';');
}
