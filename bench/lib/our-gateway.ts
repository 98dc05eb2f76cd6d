// A gateway with our plugin server, as a benchmark wants it: no worker beside it, one nginx worker, nothing logged of a
// request.
import { startGateway, type Gateway } from '../../spec/helpers/gateway';
import type { RedisServer } from '../../spec/helpers/redis-server';
import { kongConfig, type KongConfigOptions } from '../../spec/helpers/stack/kong-config';
import { ourScript } from './our-script';

interface OurGatewayOptions extends KongConfigOptions {
  readonly redis: RedisServer;
  readonly keyPrefix: string;
  /** The upstream of routes that name no service. */
  readonly upstreamUrl: string;
  /** False: without the `$arr_request` of kong/nginx/async-request-reply.conf. */
  readonly nginxInclude?: false;
  /** Whose plugin server; default this checkout's. */
  readonly checkout?: string | undefined;
  /** For the plugin server's Node.js: `--expose-gc`… */
  readonly nodeArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export function startOurGateway(options: OurGatewayOptions): Promise<Gateway> {
  const { redis, keyPrefix, shared, upstreamUrl, nodeArguments = [] } = options;
  const redisConfig = { host: redis.host, port: redis.port, key_prefix: keyPrefix };
  const script = ourScript('plugin-server', options.checkout);
  return startGateway({
    config: kongConfig({ ...options, shared: { ...shared, redis: redisConfig } }, upstreamUrl),
    workers: 1,
    ...(options.nginxInclude === false && { nginxInclude: false as const }),
    pluginServer: {
      command: [process.execPath, ...nodeArguments, script, '-p', '{prefix}', '--sock-name', 'ours.sock'],
      queryCommand: [process.execPath, script, '--dump-all-plugins'],
      env: { ARR_WORKER_THREADS: '0', ARR_LOG_LEVEL: 'warn', ...options.env },
    },
  });
}
