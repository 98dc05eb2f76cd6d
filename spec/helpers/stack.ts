// Everything that a spec runs on, real but for the upstream: Redis, a gateway with the plugin, and a client.
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { startGateway, type Gateway } from './gateway';
import { HttpClient, type HttpResponse, type RequestOptions } from './http-client';
import { ID_HEADER } from './id-header';
import { strangeJobId } from './job-ids';
import { IS_HANDOFF_LANE } from './lane';
import { RedisServer, type RedisServerOptions } from './redis-server';
import { kongConfig, type KongConfigOptions, type PluginConfig } from './stack/kong-config';
import { Releasers } from './stack/releasers';
import { until } from './until';
import { Upstream } from './upstream';

const PLUGIN_SERVER = resolve(__dirname, '../../dist/kong/plugin-server.js');

/** A machine may be busy with other specs: what waits for Redis in vain says so itself. */
const REDIS_PATIENCE_MS = 8000;

export interface StackOptions extends KongConfigOptions {
  redis?: RedisServerOptions & { isStarted?: boolean };
  /** nginx workers; default 1: with a few routes nothing is gained by more. */
  workers?: number;
  /** More environment for the plugin server. A lost job is taken up within seconds unless this says otherwise. */
  env?: Record<string, string>;
  /** What runs instead of our own plugin server: words of a command line, `{prefix}` is the gateway's prefix. */
  pluginServer?: { command: string[]; queryCommand: string[] };
  pluginTimeoutMs?: number;
  /** Addresses whose `X-Forwarded-*` the gateway trusts; default: none. */
  trustedIps?: string[];
  /** False: without the nginx variable that contains everything about a request. */
  nginxInclude?: false;
}

/** An accepted job as its 202 shows it. */
interface Submitted {
  id: string;
  response: HttpResponse;
}

export class Stack {
  readonly redis: RedisServer;
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  readonly client: HttpClient;
  readonly keyPrefix: string;
  readonly #shared: PluginConfig;
  readonly #extra: object;
  readonly #releasers: Releasers;

  constructor(parts: {
    redis: RedisServer;
    upstream: Upstream;
    gateway: Gateway;
    keyPrefix: string;
    shared: PluginConfig;
    extra: object;
    releasers: Releasers;
  }) {
    this.redis = parts.redis;
    this.upstream = parts.upstream;
    this.gateway = parts.gateway;
    this.client = new HttpClient(parts.gateway.proxyPort);
    this.keyPrefix = parts.keyPrefix;
    this.#shared = parts.shared;
    this.#extra = parts.extra;
    this.#releasers = parts.releasers;
  }

  request(target: string, options?: RequestOptions): Promise<HttpResponse> {
    return this.client.request(target, options);
  }

  /** Sends a request that must become a job. @throws when it does not */
  async submit(target: string, options?: RequestOptions): Promise<Submitted> {
    const response = await this.request(target, options);
    const id = response.header(ID_HEADER);
    if (response.status !== 202 || id === undefined) {
      throw new Error(`${target} was not accepted: ${response.status} ${response.text}`);
    }
    return { id, response };
  }

  /** A header poll. */
  poll(target: string, id: string, options: RequestOptions = {}): Promise<HttpResponse> {
    return this.request(target, { ...options, headers: { [ID_HEADER]: id } });
  }

  /** Polls until the answer is no longer 202, and returns it. */
  async settled(target: string, id: string, options: { timeoutMs?: number } = {}): Promise<HttpResponse> {
    return await until(
      `job ${id} to settle`,
      async () => {
        const response = await this.poll(target, id);
        // A 503 that knows no job is the gateway's, for the moment in which one plugin server follows another.
        const isGateways = response.status === 503 && response.header(ID_HEADER) === undefined;
        return response.status === 202 || isGateways ? null : response;
      },
      options,
    );
  }

  /** Submits, waits for the end and returns the answer to a header poll. */
  async roundTrip(target: string, options?: RequestOptions): Promise<HttpResponse> {
    const { id } = await this.submit(target, options);
    return await this.settled(target, id);
  }

  /** Kills every plugin server with SIGKILL, as it stands. */
  async killPluginServer(): Promise<void> {
    for (const pid of await this.gateway.pluginServerPids()) process.kill(pid, 'SIGKILL');
  }

  /** Waits until polls of a route are answered by the plugin again. */
  async pluginServerBack(target: string): Promise<void> {
    await until(
      'the plugin server to be back',
      async () => (await this.poll(target, strangeJobId())).status === 404,
    );
  }

  /** Gives the gateway other routes. */
  applyRoutes(routes: KongConfigOptions['routes']): Promise<void> {
    const options = { routes, shared: this.#shared, extra: this.#extra };
    return this.gateway.applyConfig(kongConfig(options, this.upstream.url));
  }

  /** What a test left behind. Empty when all is well. */
  leftovers(): string[] {
    const open = this.client.openConnections;
    return [
      ...this.upstream.leftovers(),
      ...(open > 0 ? [`${open} connections of the client are open`] : []),
    ];
  }

  close(): Promise<void> {
    return this.#releasers.release();
  }
}

/** @throws when a part does not start, after the others were closed */
export async function startStack(options: StackOptions): Promise<Stack> {
  const releasers = new Releasers();
  try {
    const { isStarted = true, ...redisOptions } = options.redis ?? {};
    const redis = await RedisServer.reserve(redisOptions);
    releasers.add(() => redis.stop());
    if (isStarted) await redis.start();
    const upstream = await Upstream.start();
    releasers.add(() => upstream.stop());
    const keyPrefix = `spec-${randomBytes(6).toString('hex')}`;
    const shared: PluginConfig = {
      // `SPEC_LANE=handoff` sends every body through the handoff path.
      ...(IS_HANDOFF_LANE && {
        handoff: { request_threshold_bytes: 0, response_threshold_bytes: 0 },
      }),
      ...options.shared,
      redis: {
        host: redis.host,
        port: redis.port,
        key_prefix: keyPrefix,
        read_timeout: REDIS_PATIENCE_MS,
        ...options.shared?.redis,
      },
    };
    const gateway = await startGateway({
      config: kongConfig({ ...options, shared }, upstream.url),
      workers: options.workers ?? 1,
      pluginServer: {
        ...(options.pluginServer ?? ourPluginServer()),
        env: pluginServerEnv(redis, keyPrefix, options.env),
      },
      ...(options.pluginTimeoutMs === undefined ? {} : { pluginTimeoutMs: options.pluginTimeoutMs }),
      ...(options.trustedIps === undefined ? {} : { trustedIps: options.trustedIps }),
      ...(options.nginxInclude === undefined ? {} : { nginxInclude: options.nginxInclude }),
    });
    releasers.add(() => gateway.stop());
    return new Stack({ redis, upstream, gateway, keyPrefix, shared, extra: options.extra ?? {}, releasers });
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

function ourPluginServer(): { command: string[]; queryCommand: string[] } {
  return {
    command: [process.execPath, PLUGIN_SERVER, '-p', '{prefix}', '--sock-name', 'async-request-reply.sock'],
    queryCommand: [process.execPath, PLUGIN_SERVER, '--dump-all-plugins'],
  };
}

function pluginServerEnv(
  redis: RedisServer,
  keyPrefix: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    ARR_REDIS_PORT: String(redis.port),
    ARR_KEY_PREFIX: keyPrefix,
    ARR_LEASE_SECONDS: '3',
    ARR_STALLED_CHECK_SECONDS: '1',
    ...more,
  };
}
