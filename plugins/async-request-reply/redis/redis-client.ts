// Opens connections to Redis and bounds what is asked of them: a stopped Redis answers nothing at all.
import Redis, { Cluster, type ClusterOptions, type RedisOptions } from 'ioredis';
import { AsyncError } from '../errors/async-error';
import { joinRepliesExactly, parserOfIoredis } from './patch-redis-parser';
import { defineScripts, type ScriptedRedis } from './scripts';

/** What a connection needs to know; the `redis` record of a plugin instance or of a worker's settings. */
export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database: number;
  readonly ssl: boolean;
  readonly ssl_verify: boolean;
  readonly server_name?: string | undefined;
  readonly cluster_nodes?: readonly { readonly ip: string; readonly port: number }[] | undefined;
  readonly sentinel_master?: string | undefined;
  readonly sentinel_nodes?: readonly { readonly host: string; readonly port: number }[] | undefined;
  readonly sentinel_username?: string | undefined;
  readonly sentinel_password?: string | undefined;
  /** Milliseconds. */
  readonly connect_timeout: number;
  /** Milliseconds: the time limit of everything that the access side asks of Redis for one request. */
  readonly read_timeout: number;
}

/** Where a Redis is, for a person. */
export function nameOfRedis(settings: RedisSettings): string {
  if (settings.sentinel_master !== undefined) {
    return `Sentinel master ${settings.sentinel_master}`;
  }
  const [node] = settings.cluster_nodes ?? [];
  return node === undefined
    ? `${settings.host}:${String(settings.port)}`
    : `Cluster at ${node.ip}:${String(node.port)}`;
}

/** Equal for settings that lead to the same Redis in the same way, whatever else instances say of it. */
export function connectionKey(settings: RedisSettings): string {
  return JSON.stringify(settings, CONNECTION_FIELDS);
}

/** Of the settings, and of the nodes in them. */
const CONNECTION_FIELDS: (keyof RedisSettings | 'ip')[] = [
  'host',
  'ip',
  'port',
  'username',
  'password',
  'database',
  'ssl',
  'ssl_verify',
  'server_name',
  'cluster_nodes',
  'sentinel_master',
  'sentinel_nodes',
  'sentinel_username',
  'sentinel_password',
];

const RECONNECT_MAX_MS = 1000;

const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 8), RECONNECT_MAX_MS);

const tlsOptions = (settings: RedisSettings): NonNullable<RedisOptions['tls']> => ({
  rejectUnauthorized: settings.ssl_verify,
  ...(settings.server_name !== undefined && { servername: settings.server_name }),
});

/** What every node of a Redis is spoken to with. */
const nodeOptions = (settings: RedisSettings): RedisOptions => ({
  db: settings.database,
  connectTimeout: settings.connect_timeout,
  ...(settings.username !== undefined && { username: settings.username }),
  ...(settings.password !== undefined && { password: settings.password }),
  ...(settings.ssl && { tls: tlsOptions(settings) }),
  // CLIENT SETINFO tells Redis which library this is: one command less that the ACL has to allow.
  disableClientInfo: true,
  // A command that was under way when the link broke may have been done: the access side never sends it again.
  autoResendUnfulfilledCommands: false,
});

/** Where the one node is, or who knows. */
const location = (settings: RedisSettings): RedisOptions =>
  settings.sentinel_master === undefined
    ? { host: settings.host, port: settings.port }
    : {
        name: settings.sentinel_master,
        sentinels: (settings.sentinel_nodes ?? []).map(({ host, port }) => ({ host, port })),
        ...(settings.sentinel_username !== undefined && { sentinelUsername: settings.sentinel_username }),
        ...(settings.sentinel_password !== undefined && { sentinelPassword: settings.sentinel_password }),
        // For the nodes, and for the Sentinels themselves.
        ...(settings.ssl && { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(settings) }),
        sentinelRetryStrategy: retryStrategy,
        // The old master answers READONLY after a failover: the connection is made anew, with the Sentinels' word.
        reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
      };

/**
 * A connection for the access side: fails at once while Redis is away and never queues, so that nothing is
 * written after the client has been told 503. Errors of the connection go to `onError`.
 */
export function openAccessClient(settings: RedisSettings, onError: (error: Error) => void): ScriptedRedis {
  return open(settings, { enableOfflineQueue: false, commandTimeout: settings.read_timeout }, onError);
}

/**
 * A connection for a worker: waits for Redis as long as it takes, as BullMQ wants it. What was under way when the link
 * broke is sent again, since ioredis would leave it without any end: a worker's every step may be repeated.
 */
export function openWorkerClient(settings: RedisSettings, onError: (error: Error) => void): ScriptedRedis {
  return open(settings, { maxRetriesPerRequest: null, autoResendUnfulfilledCommands: true }, onError);
}

/**
 * A connection that hears of settled jobs. It subscribes to nothing by itself, also not after a break: who listens does
 * (waiting/settle-signals.ts). On a Cluster it is one to each node that has a job that is waited for.
 */
export function openSignalClient(settings: RedisSettings, onError: (error: Error) => void): ScriptedRedis {
  const role = { enableOfflineQueue: false, maxRetriesPerRequest: null, autoResubscribe: false };
  return open(settings, role, onError, { shardedSubscribers: true });
}

function open(
  settings: RedisSettings,
  role: RedisOptions,
  onError: (error: Error) => void,
  clusterRole: ClusterOptions = {},
): ScriptedRedis {
  const parser = parserOfIoredis();
  if (parser !== undefined) {
    joinRepliesExactly(parser);
  }
  const client = defineScripts(
    settings.cluster_nodes === undefined || settings.cluster_nodes.length === 0
      ? new Redis({
          ...nodeOptions(settings),
          ...location(settings),
          ...role,
          retryStrategy,
          lazyConnect: true,
        })
      : openCluster(settings, role, clusterRole),
  );
  client.on('error', onError);
  client.connect().catch(() => {
    // Told to onError too; the client goes on trying.
  });
  return client;
}

function openCluster(settings: RedisSettings, role: RedisOptions, clusterRole: ClusterOptions): Cluster {
  const nodes = (settings.cluster_nodes ?? []).map(({ ip, port }) => ({ host: ip, port }));
  return new Cluster(nodes, {
    redisOptions: { ...nodeOptions(settings), ...role },
    enableOfflineQueue: role.enableOfflineQueue ?? true,
    clusterRetryStrategy: retryStrategy,
    lazyConnect: true,
    ...clusterRole,
  });
}

const unavailable = (cause?: unknown): AsyncError =>
  new AsyncError('store-unavailable', {
    detail: 'The job store does not answer. Nothing is known to have been accepted; try again later.',
    retryAfterSeconds: 5,
    cause,
  });

/** Whether the keys of a job and of its queue may lie on different nodes, and so on different connections. */
export const isCluster = (client: ScriptedRedis): boolean => (client as unknown) instanceof Cluster;

/** Resolves once `client` takes commands; rejects with `store-unavailable` when it is known to be away. */
export async function whenReady(client: ScriptedRedis): Promise<void> {
  if (client.status === 'ready') {
    return;
  }
  if (client.status !== 'connecting' && client.status !== 'connect') {
    throw unavailable();
  }
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      client.off('ready', onReady).off('close', onClose);
      outcome();
    };
    const onReady = settle(resolve);
    const onClose = settle(() => reject(unavailable()));
    client.once('ready', onReady).once('close', onClose);
  });
}

/**
 * Runs `work` against the store for at most `limitMs`, and turns what Redis says into our errors:
 * `store-full` for OOM, `store-unavailable` for everything else, a time-out included.
 *
 * @param work goes on when its time is over, as nothing can stop it: it asks `isOver` before each write.
 */
export async function withinTimeLimit<T>(
  limitMs: number,
  work: (isOver: () => boolean) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // One more look at the sockets: an answer that has arrived counts, however busy this process was.
      setImmediate(() => {
        isOver = true;
        reject(unavailable());
      });
    }, limitMs);
  });
  try {
    return await Promise.race([work(() => isOver), timeout]);
  } catch (error) {
    throw asStoreError(error);
  } finally {
    clearTimeout(timer);
  }
}

const STORE_WORDS =
  /^(OOM|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|NOREPLICAS|MISCONF|NOAUTH|WRONGPASS|NOPERM|BUSY|ERR|UNKILLABLE)\b|Command timed out|[Cc]onnection|Stream isn't writeable|max retries/;

function asStoreError(error: unknown): unknown {
  if (error instanceof AsyncError || !(error instanceof Error)) {
    return error;
  }
  // Redis and ioredis have no codes for these: the first word of the text is what Redis promises.
  if (error.message.startsWith('OOM')) {
    return new AsyncError('store-full', {
      detail: 'The job store is full. Nothing was accepted; try again later.',
      retryAfterSeconds: 30,
      cause: error,
    });
  }
  return error.name === 'ReplyError' || STORE_WORDS.test(error.message) || 'syscall' in error
    ? unavailable(error)
    : error;
}
