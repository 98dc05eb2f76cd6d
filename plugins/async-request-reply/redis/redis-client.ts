// Opens connections to Redis, and limits the time of each query: a Redis that is stopped does not reply at all.
import Redis, { Cluster, type ClusterOptions, type RedisOptions } from 'ioredis';
import { AsyncError } from '../errors/async-error';

/** A connection to a single node or to a Cluster. What this program calls is the same on both. */
export type RedisClient = Redis | Cluster;

/** One node of Redis, as a single server or a node of a Cluster. */
export type RedisNode = Redis;

/** The `redis` record of a plugin instance or of a worker's settings. */
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
  /** Milliseconds: the time limit of all queries of the access side for one request. */
  readonly read_timeout: number;
}

/** The address of a Redis, for messages. */
export function nameOfRedis(settings: RedisSettings): string {
  if (settings.sentinel_master !== undefined) {
    return `Sentinel master ${settings.sentinel_master}`;
  }
  const [node] = settings.cluster_nodes ?? [];
  return node === undefined
    ? `${settings.host}:${String(settings.port)}`
    : `Cluster at ${node.ip}:${String(node.port)}`;
}

/** Equal for settings that connect to the same Redis in the same way, whatever their other fields are. */
export function connectionKey(settings: RedisSettings): string {
  return JSON.stringify(settings, CONNECTION_FIELDS);
}

/** The fields of {@link connectionKey}: of the settings, and of the nodes in them. */
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

/** Without the mapping of replies, which is RESP3's. */
type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;

const RECONNECT_MAX_MS = 1000;

const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 8), RECONNECT_MAX_MS);

const tlsOptions = (settings: RedisSettings): NonNullable<RedisOptions['tls']> => ({
  rejectUnauthorized: settings.ssl_verify,
  servername: settings.server_name,
});

/** The options of a connection to any node. */
const nodeOptions = (settings: RedisSettings): ConnectionOptions => ({
  db: settings.database,
  connectTimeout: settings.connect_timeout,
  username: settings.username,
  password: settings.password,
  tls: settings.ssl ? tlsOptions(settings) : undefined,
  // RESP2 needs no HELLO, and the replies have the shapes that BullMQ and this program read.
  protocol: 2,
  // Without CLIENT SETINFO the ACL has to allow one command less.
  disableClientInfo: true,
  // Redis may have run a command whose reply was lost with the connection. The access side never sends it again.
  autoResendUnfulfilledCommands: false,
});

/** The address of the single node, or of the Sentinels that know the master. */
const location = (settings: RedisSettings): ConnectionOptions =>
  settings.sentinel_master === undefined
    ? { host: settings.host, port: settings.port }
    : {
        name: settings.sentinel_master,
        sentinels: (settings.sentinel_nodes ?? []).map(({ host, port }) => ({ host, port })),
        sentinelUsername: settings.sentinel_username,
        sentinelPassword: settings.sentinel_password,
        // The first is for the nodes, the second for the Sentinels.
        enableTLSForSentinelMode: settings.ssl,
        sentinelTLS: settings.ssl ? tlsOptions(settings) : undefined,
        sentinelRetryStrategy: retryStrategy,
        // After a failover the old master replies READONLY. A new connection asks the Sentinels for the new master.
        reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
      };

/**
 * A connection for the access side. Commands fail at once while Redis is away and are never queued, so that nothing is written
 * after the client has received 503. Errors of the connection go to `onError`.
 */
export function openAccessClient(settings: RedisSettings, onError: (error: Error) => void): RedisClient {
  return open(settings, { enableOfflineQueue: false, commandTimeout: settings.read_timeout }, onError);
}

/**
 * A connection for a worker. It waits for Redis as long as it takes, as BullMQ requires. Commands without a reply when the
 * connection breaks are sent again, since ioredis would never settle them. Each step of a worker may be repeated.
 */
export function openWorkerClient(settings: RedisSettings, onError: (error: Error) => void): RedisClient {
  return open(settings, { maxRetriesPerRequest: null, autoResendUnfulfilledCommands: true }, onError);
}

/**
 * A connection that receives messages about settled jobs. It subscribes to nothing on its own, not even after a reconnect:
 * waiting/settle-signals.ts does. On a Cluster it is one connection to each node that has a job with a waiting request.
 */
export function openSignalClient(settings: RedisSettings, onError: (error: Error) => void): RedisClient {
  const role = { enableOfflineQueue: false, maxRetriesPerRequest: null, autoResubscribe: false };
  return open(settings, role, onError, { shardedSubscribers: true });
}

function open(
  settings: RedisSettings,
  role: ConnectionOptions,
  onError: (error: Error) => void,
  clusterRole: Omit<ClusterOptions, 'redisOptions'> = {},
): RedisClient {
  const client =
    settings.cluster_nodes === undefined || settings.cluster_nodes.length === 0
      ? new Redis({
          ...nodeOptions(settings),
          ...location(settings),
          ...role,
          retryStrategy,
          lazyConnect: true,
        })
      : openCluster(settings, role, clusterRole);
  client.on('error', onError);
  client.connect().catch(() => {
    // onError receives it too, and the client goes on trying.
  });
  return client;
}

function openCluster(
  settings: RedisSettings,
  role: ConnectionOptions,
  clusterRole: Omit<ClusterOptions, 'redisOptions'>,
): Cluster {
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

/** Whether the keys of a job and of its queue may be on different nodes, and so on different connections. */
export const isCluster = (client: RedisClient): client is Cluster => client instanceof Cluster;

/** Resolves once `client` accepts commands. Rejects with `store-unavailable` if Redis is known to be away. */
export async function whenReady(client: RedisClient): Promise<void> {
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
 * Runs `work` for at most `limitMs`, and maps errors of Redis: OOM to `store-full`, everything else, a timeout included, to
 * `store-unavailable`.
 *
 * @param work continues after the time limit, since nothing can stop it: it checks the signal, which is aborted then, before
 *   each write.
 */
export async function withinTimeLimit<T>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new AbortController();
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // Reads the sockets once more: a reply that has arrived counts, however busy this process was.
      setImmediate(() => {
        over.abort();
        reject(unavailable());
      });
    }, limitMs);
  });
  try {
    return await Promise.race([work(over.signal), timeout]);
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
  // Redis and ioredis have no codes for these errors. Redis guarantees the first word of the text.
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
