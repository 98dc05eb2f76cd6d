import { BUNDLED_PRIORITIES } from './config/bundled-schemas';
import type { Entities } from './config/entities';
import type { PluginConfig } from './config/plugin-config';
import { PluginIterator } from './config/plugin-iterator';
import type { GatewayLog } from './gateway-log';
import type { Exchange } from './http/exchange';
import type { NginxMap } from './http/nginx-include';
import { PhaseExit } from './pdk/pdk-call';
import { cors } from './plugins/cors';
import { ipRestriction } from './plugins/ip-restriction';
import { keyAuth } from './plugins/key-auth';
import { postFunction } from './plugins/post-function';
import type { ProxyCache } from './plugins/proxy-cache';
import { requestTransformer } from './plugins/request-transformer';
import { requestTermination } from './plugins/request-termination';
import type { PluginInfo } from './plugin-info';
import { LuaError } from './rpc/lua-value';
import { PluginEvents } from './rpc/plugin-events';
import { PluginInstances } from './rpc/plugin-instances';
import { RpcClient } from './rpc/rpc-client';
import { unexpectedAnswer } from './http/send-answer';

interface WorkerOptions {
  plugin: PluginInfo | null;
  socketPath: string;
  timeoutMs: number;
  log: GatewayLog;
  maps: Map<string, NginxMap>;
  cache: ProxyCache;
  /** Told of an instance that the plugin server does not know: the other workers forget the plugin's instances too. */
  onUnknownInstance: (pluginName: string) => void;
}

/** One of Kong's nginx workers: its own instances, connections and message IDs, and its own view of the configuration. */
export class KongWorker {
  readonly #options: WorkerOptions;
  readonly #rpc: RpcClient;
  readonly #instances: PluginInstances;
  readonly #events: PluginEvents;
  #entities: Entities;
  #iterator: PluginIterator;
  #requests = 0;
  #onIdle: (() => void) | null = null;

  constructor(options: WorkerOptions, entities: Entities, nextSeq: () => number) {
    this.#options = options;
    this.#entities = entities;
    this.#iterator = new PluginIterator(entities, nextSeq);
    let serverPid: number | null = null;
    this.#rpc = new RpcClient({
      ...options,
      notify: (label, argument) => {
        if (label !== 'serverPid') return;
        const pid = Number(argument);
        if (serverPid !== null && serverPid !== pid) this.#instances.reset(options.plugin?.name ?? '');
        serverPid = pid;
      },
    });
    this.#instances = new PluginInstances(this.#rpc, options.log);
    this.#events = new PluginEvents(this.#rpc, this.#instances, (name) => {
      this.#instances.reset(name);
      options.onUnknownInstance(name);
    });
  }

  /** Takes a new configuration: each plugin gets a new number, and its instance is started anew when next used. */
  configure(entities: Entities, nextSeq: () => number): void {
    this.#entities = entities;
    this.#iterator = new PluginIterator(entities, nextSeq);
  }

  get entities(): Entities {
    return this.#entities;
  }

  forgetInstances(pluginName: string): void {
    this.#instances.reset(pluginName);
  }

  /** Runs the access phase of the plugins that are on, highest priority first, until one answers. */
  async access(exchange: Exchange): Promise<void> {
    this.#requests++;
    try {
      await this.#access(exchange);
    } finally {
      this.#requests--;
      if (this.#requests === 0) this.#onIdle?.();
    }
  }

  /** Resolves when the requests that it has are done, with its connections closed. */
  async retire(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.close();
  }

  close(): void {
    this.#rpc.close();
  }

  async #access(exchange: Exchange): Promise<void> {
    for (const name of this.#pluginNames()) {
      if (exchange.answer) return;
      const { route, service, authenticated_consumer: consumer } = exchange.context;
      const config = this.#iterator.configFor(
        name,
        route?.id ?? null,
        service?.id ?? null,
        consumer?.id ?? null,
      );
      if (!config) continue;
      try {
        await this.#run(name, exchange, config);
      } catch (error) {
        if (error instanceof PhaseExit) return;
        if (!(error instanceof LuaError)) throw error;
        this.#options.log.error(`[${name}] ${error.message}`);
        exchange.answer = unexpectedAnswer(exchange);
      }
    }
  }

  async #run(name: string, exchange: Exchange, config: PluginConfig): Promise<void> {
    if (name === 'key-auth') keyAuth(exchange, config, this.#entities);
    else if (name === 'cors') cors(exchange, config);
    else if (name === 'ip-restriction') ipRestriction(exchange, config);
    else if (name === 'proxy-cache') this.#options.cache.access(exchange, config);
    else if (name === 'request-transformer') requestTransformer(exchange, config);
    else if (name === 'request-termination') requestTermination(exchange, config);
    else if (name === 'post-function') postFunction(exchange, config);
    else {
      const { log, maps } = this.#options;
      exchange.context['plugin_id'] = config.__plugin_id;
      await this.#events.run(
        { exchange, entities: this.#entities, maps, log, pluginName: name },
        config,
        'access',
      );
    }
  }

  #pluginNames(): string[] {
    const known = Object.entries(BUNDLED_PRIORITIES).map(([name, priority]) => ({ name, priority }));
    const { plugin } = this.#options;
    if (plugin?.phases.includes('access')) known.push(plugin);
    return known.sort((a, b) => b.priority - a.priority).map(({ name }) => name);
  }
}
