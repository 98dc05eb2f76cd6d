import fs from 'node:fs';
import type http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { bundledSchemas } from './config/bundled-schemas';
import { readDeclarative } from './config/declarative';
import type { Entities } from './config/entities';
import type { SchemaField } from './config/kong-schema';
import { GatewayLog } from './gateway-log';
import { errorAnswer } from './http/error-answer';
import type { Exchange } from './http/exchange';
import { readNginxMaps, type NginxMap } from './http/nginx-include';
import { prepareUpstream } from './http/prepare-upstream';
import { Proxy } from './http/proxy';
import { createProxyServer } from './http/proxy-server';
import { httpsAnswer, requestRefusal } from './http/request-refusal';
import { Router } from './http/router';
import { sendAnswer } from './http/send-answer';
import { KongWorker } from './kong-worker';
import { queryPluginInfo, type PluginInfo } from './plugin-info';
import { PluginServerProcess } from './plugin-server-process';
import { ProxyCache } from './plugins/proxy-cache';
import type { KongEmulatorSettings } from './settings';

/** The Kong emulator: configuration, workers, proxy listener and plugin server, without the Admin API. */
export class Gateway {
  readonly log: GatewayLog;
  readonly #settings: KongEmulatorSettings;
  #plugin: PluginInfo | null;
  #workers: KongWorker[];
  readonly #workerOf = new WeakMap<Socket, number>();
  readonly #server: http.Server;
  readonly #proxy: Proxy;
  readonly #cache = new ProxyCache();
  #pluginServer: PluginServerProcess | null = null;
  readonly #maps: Map<string, NginxMap>;
  #entities: Entities;
  #router: Router;
  #seq = 0;
  #connections = 0;

  /** @throws when the query command or the configuration is wrong: Kong does not start then either */
  static async start(settings: KongEmulatorSettings): Promise<Gateway> {
    const gateway = new Gateway(settings, await pluginInfo(settings));
    await gateway.#listen();
    return gateway;
  }

  private constructor(settings: KongEmulatorSettings, plugin: PluginInfo | null) {
    this.#settings = settings;
    fs.mkdirSync(path.join(settings.prefix, 'logs'), { recursive: true });
    this.log = new GatewayLog(path.join(settings.prefix, 'logs', 'error.log'));
    this.#proxy = new Proxy(this.log);
    this.#plugin = plugin;
    this.#entities = this.#read(settings.declarativeConfig);
    this.#router = new Router(this.#entities.routes);
    this.#maps = readNginxMaps(settings.nginxInclude ? fs.readFileSync(settings.nginxInclude, 'utf8') : '');
    this.#workers = this.#newWorkers();
    this.#server = createProxyServer(settings.trustedIps, (exchange) => void this.#serve(exchange));
    this.#server.on('connection', (socket) => this.#assign(socket));
  }

  async #listen(): Promise<void> {
    this.#startPluginServer();
    const { proxyPort: port, backlog } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1', backlog }, resolve);
    });
  }

  get proxyPort(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get pluginServerPid(): number | null {
    return this.#pluginServer?.pid ?? null;
  }

  /** Puts a new configuration in force in every worker. @throws DeclarativeError, and then the old one stays */
  configure(text: string): void {
    this.#entities = this.#read(text);
    this.#router = new Router(this.#entities.routes);
    for (const worker of this.#workers) worker.configure(this.#entities, () => ++this.#seq);
    this.log.notice('declarative config loaded');
  }

  /**
   * Starts new workers and a new plugin server while the old ones finish, as `kong reload` does; the old plugin server
   * gets its SIGTERM when the old workers are done. The plugin's schema is asked for again.
   */
  async reload(): Promise<void> {
    this.#plugin = await pluginInfo(this.#settings);
    const old = this.#pluginServer;
    const retired = this.#workers.map((worker) => worker.retire());
    this.#workers = this.#newWorkers();
    this.#startPluginServer();
    // Kong's worker 0 ends its plugin server when it ends itself, and that is when its last request is done.
    void retired[0]?.then(() => old?.stop());
  }

  /** Ends at once, as `kong stop` does: the plugin server receives SIGTERM, and the emulator does not wait for it. */
  async close(): Promise<void> {
    this.#pluginServer?.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    for (const worker of this.#workers) worker.close();
    this.#proxy.close();
    this.log.close();
  }

  #read(text: string): Entities {
    const { knownLua } = this.#settings;
    const lua = knownLua === null ? null : fs.readFileSync(knownLua, 'latin1');
    const schemas = new Map<string, SchemaField>(Object.entries(bundledSchemas(lua)));
    if (this.#plugin) schemas.set(this.#plugin.name, this.#plugin.config);
    return readDeclarative(text, schemas);
  }

  #newWorkers(): KongWorker[] {
    const { pluginServer, pluginTimeoutMs, workers } = this.#settings;
    const options = {
      plugin: this.#plugin,
      socketPath: pluginServer?.socketPath ?? '',
      timeoutMs: pluginTimeoutMs,
      log: this.log,
      maps: this.#maps,
      cache: this.#cache,
      onUnknownInstance: (name: string) => this.#workers.forEach((worker) => worker.forgetInstances(name)),
    };
    const nextSeq = (): number => ++this.#seq;
    return Array.from({ length: workers }, () => new KongWorker(options, this.#entities, nextSeq));
  }

  #startPluginServer(): void {
    const { pluginServer } = this.#settings;
    if (!pluginServer?.startCommand) return;
    this.#pluginServer = new PluginServerProcess({
      command: pluginServer.startCommand,
      name: pluginServer.name,
      log: this.log,
    });
  }

  /** A connection belongs to one worker for its life. */
  #assign(socket: Socket): void {
    this.#workerOf.set(socket, this.#connections++ % this.#workers.length);
  }

  async #serve(exchange: Exchange): Promise<void> {
    try {
      await this.#handle(exchange);
    } catch (error) {
      this.log.error(`request failed: ${(error as Error).stack ?? String(error)}`);
      exchange.response.destroy();
    }
  }

  async #handle(exchange: Exchange): Promise<void> {
    const worker = this.#workers[this.#workerOf.get(exchange.incoming.socket) ?? 0];
    const refusal = requestRefusal(exchange);
    if (refusal) {
      sendAnswer(exchange, refusal);
      return;
    }
    const match = this.#router.match({
      method: exchange.method,
      path: exchange.rawPath,
      host: exchange.headers.first('host'),
      rawHost: exchange.headers.first('host'),
      headers: (name) => exchange.headers.all(name),
    });
    if (!match || !worker) {
      sendAnswer(exchange, errorAnswer(exchange, 404, 'no Route matched with those values'));
      return;
    }
    const redirect = httpsAnswer(exchange, match.route);
    if (redirect) {
      sendAnswer(exchange, redirect);
      return;
    }
    prepareUpstream(exchange, match);
    const { entities } = worker;
    await worker.access(exchange);
    if (exchange.answer) sendAnswer(exchange, exchange.answer);
    else if (!match.service) {
      sendAnswer(exchange, errorAnswer(exchange, 503, 'no Service found with those values'));
    } else await this.#proxy.forward(exchange, entities.upstreams);
  }
}

async function pluginInfo({ pluginServer }: KongEmulatorSettings): Promise<PluginInfo | null> {
  return pluginServer ? await queryPluginInfo(pluginServer.queryCommand) : null;
}
