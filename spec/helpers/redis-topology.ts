// Redis as users run it: one node, a master with its replica under a Sentinel, a Cluster of three masters with replicas.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { RedisServer } from './redis-server';
import { Releasers } from './stack/releasers';
import type { PluginConfig } from './stack/kong-config';
import { until } from './until';

const MASTER = 'jobs';
const NODES = 6;

/** Silent for so long, a node counts as dead: soon when one has been killed, else not for want of a processor. */
const DOWN_AFTER_MS = { killed: '1000', busy: '60000' };

const stop = (server: RedisServer): Promise<void> => server.stop();

export interface RedisTopology {
  /** What a plugin instance says of it. */
  readonly settings: NonNullable<PluginConfig['redis']>;
  /** Kills a master with -9 and resolves when a replica has taken its place. */
  failOver(): Promise<void>;
  /** Starts again what was killed. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

type Running = Omit<RedisTopology, 'stop'>;

/** @throws when a part does not start, after the others have ended */
async function startTopology(start: (nodes: Releasers) => Promise<Running>): Promise<RedisTopology> {
  const nodes = new Releasers();
  try {
    return { ...(await start(nodes)), stop: () => nodes.release() };
  } catch (error) {
    await nodes.release();
    throw error;
  }
}

export const startOneNode = (): Promise<RedisTopology> =>
  startTopology(async (nodes) => {
    const node = await nodes.use(RedisServer.start(), stop);
    return {
      settings: { host: node.host, port: node.port },
      failOver: async () => {
        await node.kill();
        await node.start();
      },
      heal: () => Promise.resolve(),
    };
  });

/** @param tls settings by which every node, the Sentinel too, speaks TLS. */
export const startSentinel = (tls?: Record<string, string>): Promise<RedisTopology> =>
  startTopology(async (nodes) => {
    const secured = tls && { tls };
    const master = await nodes.use(RedisServer.start({ ...secured }), stop);
    const followMaster = { replicaof: `${master.host} ${master.port}` };
    const replica = await nodes.use(RedisServer.start({ ...secured, settings: followMaster }), stop);
    const monitor = [
      `sentinel monitor ${MASTER} ${master.host} ${master.port} 1`,
      `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS.busy}`,
      `sentinel failover-timeout ${MASTER} 3000`,
    ];
    const configuration = `${monitor.join('\n')}\n`;
    const sentinel = await nodes.use(RedisServer.start({ ...secured, sentinel: configuration }), stop);
    const askSentinel = async (word: string, ...more: string[]): Promise<unknown[]> =>
      (await sentinel.command('SENTINEL', word, MASTER, ...more)) as unknown[];
    const setDownAfter = (ms: string): Promise<unknown> => askSentinel('SET', 'down-after-milliseconds', ms);
    const seen = (): string => sentinel.log;
    await replica.follows();
    await until('the Sentinel to know the replica', async () => (await askSentinel('REPLICAS')).length > 0, {
      seen,
    });
    return {
      settings: { sentinel_master: MASTER, sentinel_nodes: [{ host: sentinel.host, port: sentinel.port }] },
      failOver: async () => {
        await master.kill();
        await setDownAfter(DOWN_AFTER_MS.killed);
        const hasFailedOver = async (): Promise<boolean> => {
          const [, port] = await askSentinel('GET-MASTER-ADDR-BY-NAME');
          return port === String(replica.port);
        };
        await until('the failover', hasFailedOver, { seen });
        await setDownAfter(DOWN_AFTER_MS.busy);
      },
      heal: async () => {
        // As a replica from the first moment: a Sentinel takes its time before it turns an old master into one.
        await master.start({ replicaof: `${replica.host} ${replica.port}` });
        await master.follows();
      },
    };
  });

/** @param more settings of every node. */
export const startCluster = (more: Record<string, string> = {}): Promise<RedisTopology> =>
  startTopology(async (resources) => {
    const settings = { 'cluster-enabled': 'yes', 'cluster-node-timeout': DOWN_AFTER_MS.busy, ...more };
    const startNode = (): Promise<RedisServer> => resources.use(RedisServer.start({ settings }), stop);
    const [first, ...rest] = [await startNode(), ...(await startAll(NODES - 1, startNode))];
    const nodes = [first, ...rest];
    await createCluster(nodes);
    for (const node of nodes.slice(NODES / 2)) await node.follows();
    return {
      settings: { cluster_nodes: nodes.map(({ host, port }) => ({ ip: host, port })) },
      failOver: async () => {
        await first.kill();
        const setDownAfter = (ms: string): Promise<unknown> =>
          Promise.all(rest.map((node) => node.command('CONFIG', 'SET', 'cluster-node-timeout', ms)));
        await setDownAfter(DOWN_AFTER_MS.killed);
        const nodesSeen = async (): Promise<string> => String(await rest[0]?.command('CLUSTER', 'NODES'));
        await until('the failover', async () => hasFailedOver(await nodesSeen(), first), { seen: nodesSeen });
        for (const node of rest) await isWhole(node);
        await setDownAfter(DOWN_AFTER_MS.busy);
      },
      heal: async () => {
        await first.start();
        await first.follows();
      },
    };
  });

/** @throws the first failure, when every start has come to its end */
async function startAll(count: number, start: () => Promise<RedisServer>): Promise<RedisServer[]> {
  const starting = Array.from({ length: count }, start);
  await Promise.allSettled(starting);
  return await Promise.all(starting);
}

async function createCluster(nodes: readonly RedisServer[]): Promise<void> {
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
  // It says on its standard output what is wrong.
  await promisify(execFile)('redis-cli', create).catch((error: { message: string; stdout?: string }) => {
    throw new Error(`${error.message}${error.stdout ?? ''}`);
  });
  for (const node of nodes) await isWhole(node);
}

async function isWhole(node: RedisServer): Promise<void> {
  const info = async (): Promise<string> => String(await node.command('CLUSTER', 'INFO'));
  await until('the Cluster to be whole', async () => (await info()).includes('cluster_state:ok'), {
    seen: async () => `${await info()}\n${node.log}`,
  });
}

/** @param nodes what CLUSTER NODES says */
function hasFailedOver(nodes: string, dead: RedisServer): boolean {
  const lines = nodes.split('\n');
  const isDown = (line: string): boolean => /[, ]fail[, ]/.test(line);
  const masters = lines.filter((line) => line.includes('master') && !isDown(line));
  return (
    masters.length === NODES / 2 && lines.some((line) => line.includes(`:${dead.port}@`) && isDown(line))
  );
}
