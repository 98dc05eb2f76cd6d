// Redis as users run it: one node, a master with its replica under a Sentinel, a Cluster of three masters with replicas.
import { execFileSync } from 'node:child_process';
import { freePort } from './gateway/free-port';
import { DATA, HOST, isLinked, RedisNode } from './redis-node';
import type { PluginConfig } from './stack/kong-config';
import { until } from './until';

const MASTER = 'jobs';

/** Silent for so long, a node counts as dead: soon when one has been killed, else not for want of a processor. */
const DOWN_AFTER_MS = { killed: '1000', busy: '60000' };

export interface RedisTopology {
  /** What a plugin instance says of it. */
  readonly settings: NonNullable<PluginConfig['redis']>;
  /** Kills a master with -9 and resolves when a replica has taken its place. */
  failOver(): Promise<void>;
  /** Starts again what was killed. */
  heal(): Promise<void>;
  stop(): Promise<void>;
}

const stopAll = async (nodes: readonly RedisNode[]): Promise<void> => {
  await Promise.all(nodes.map((node) => node.stop()));
};

export async function startOneNode(): Promise<RedisTopology> {
  const node = new RedisNode(await freePort(), DATA);
  await node.start();
  return {
    settings: { host: HOST, port: node.port },
    failOver: async () => {
      await node.kill();
      await node.start();
    },
    heal: () => Promise.resolve(),
    stop: () => node.stop(),
  };
}

/** @param tls settings by which every node, the Sentinel too, speaks TLS. */
export async function startSentinel(tls: Record<string, string> = {}): Promise<RedisTopology> {
  const data = { ...DATA, ...tls };
  const master = new RedisNode(await freePort(), data);
  const replica = new RedisNode(await freePort(), { ...data, replicaof: `${HOST} ${master.port}` });
  const monitor = [
    `sentinel monitor ${MASTER} ${HOST} ${master.port} 1`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS.busy}`,
    `sentinel failover-timeout ${MASTER} 3000`,
  ];
  const sentinel = new RedisNode(await freePort(), tls, `${monitor.join('\n')}\n`);
  const nodes = [master, replica, sentinel];
  for (const node of nodes) await node.start();
  await until('the replica to follow', () => isLinked(replica));
  const askSentinel = async (word: string, ...more: string[]): Promise<unknown[]> =>
    (await sentinel.ask('SENTINEL', word, MASTER, ...more)) as unknown[];
  const setDownAfter = (ms: string) => askSentinel('SET', 'down-after-milliseconds', ms);
  await until('the Sentinel to know the replica', async () => (await askSentinel('REPLICAS')).length > 0);
  return {
    settings: { sentinel_master: MASTER, sentinel_nodes: [{ host: HOST, port: sentinel.port }] },
    failOver: async () => {
      await master.kill();
      await setDownAfter(DOWN_AFTER_MS.killed);
      await until('the failover', async () => {
        const [, port] = await askSentinel('GET-MASTER-ADDR-BY-NAME');
        return port === String(replica.port);
      });
      await setDownAfter(DOWN_AFTER_MS.busy);
    },
    heal: async () => {
      // As a replica from the first moment: a Sentinel takes its time before it turns an old master into one.
      await master.start({ replicaof: `${HOST} ${replica.port}` });
      await until('the old master to follow the new one', () => isLinked(master));
    },
    stop: () => stopAll(nodes.reverse()),
  };
}

export async function startCluster(): Promise<RedisTopology> {
  const settings = { ...DATA, 'cluster-enabled': 'yes', 'cluster-node-timeout': DOWN_AFTER_MS.busy };
  const nodes: RedisNode[] = [];
  while (nodes.length < 6) {
    // The bus has a port of its own, 10,000 above, which must be one too.
    const port = await freePort();
    if (port < 55_000) nodes.push(new RedisNode(port, settings));
  }
  await Promise.all(nodes.map((node) => node.start()));
  const addresses = nodes.map((node) => `${HOST}:${node.port}`);
  const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
  execFileSync('redis-cli', create, { stdio: 'ignore' });
  const isReady = async (node: RedisNode): Promise<boolean> =>
    String(await node.ask('CLUSTER', 'INFO')).includes('cluster_state:ok');
  for (const node of nodes) await until('the Cluster to be ready', () => isReady(node));
  for (const node of nodes.slice(3)) await until('the replica to follow', () => isLinked(node));
  const [first] = nodes;
  const rest = nodes.slice(1);
  return {
    settings: { cluster_nodes: nodes.map((node) => ({ ip: HOST, port: node.port })) },
    failOver: async () => {
      await first?.kill();
      const setDownAfter = (ms: string) =>
        Promise.all(rest.map((node) => node.ask('CONFIG', 'SET', 'cluster-node-timeout', ms)));
      await setDownAfter(DOWN_AFTER_MS.killed);
      const hasFailedOver = async (): Promise<boolean> => {
        const lines = String(await rest[0]?.ask('CLUSTER', 'NODES')).split('\n');
        const isDown = (line: string): boolean => /[, ]fail[, ]/.test(line);
        const masters = lines.filter((line) => line.includes('master') && !isDown(line));
        return (
          masters.length === 3 && lines.some((line) => line.includes(`:${first?.port}@`) && isDown(line))
        );
      };
      await until('the failover', hasFailedOver, { timeoutMs: 30_000 });
      for (const node of rest) await until('the Cluster to be whole', () => isReady(node));
      await setDownAfter(DOWN_AFTER_MS.busy);
    },
    heal: async () => {
      await first?.start();
      await until('the old master to follow the new one', () => first !== undefined && isLinked(first), {
        timeoutMs: 30_000,
      });
    },
    stop: () => stopAll(nodes),
  };
}
