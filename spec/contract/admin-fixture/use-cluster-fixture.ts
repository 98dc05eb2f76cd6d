// One Redis Cluster and one upstream for a spec file, a system of its own for each test.
import Redis from 'ioredis';
import { resolveConfig } from '../../../schemas/resolve-config';
import { startCluster, type RedisTopology } from '../../helpers/redis-topology';
import type { Releasers } from '../../helpers/stack/releasers';
import { Upstream } from '../../helpers/upstream';
import { useResources } from '../../helpers/use-resources';
import { AdminSystem } from './admin-system';

class ClusterFixture {
  #topology: RedisTopology | undefined;
  #upstream: Upstream | undefined;
  #system: AdminSystem | undefined;

  get system(): AdminSystem {
    return started(this.#system);
  }

  get upstream(): Upstream {
    return started(this.#upstream);
  }

  get settings(): ReturnType<typeof resolveConfig>['redis'] {
    return resolveConfig({ redis: { cluster_nodes: this.#nodes } }).redis;
  }

  /** The result of each node, one after another. */
  async ofEachNode<T>(ask: (node: Redis) => Promise<T>): Promise<T[]> {
    const answers: T[] = [];
    for (const { ip = '', port = 0 } of this.#nodes) {
      const node = new Redis({ host: ip, port, protocol: 2, lazyConnect: true });
      try {
        await node.connect();
        answers.push(await ask(node));
      } finally {
        node.disconnect();
      }
    }
    return answers;
  }

  /** The keys of each master. */
  async keysByMaster(): Promise<string[][]> {
    const found = await this.ofEachNode(async (node) =>
      /role:master/.test(await node.info('replication')) ? [await node.keys('*')] : [],
    );
    return found.flat();
  }

  async start(resources: Releasers): Promise<void> {
    this.#topology = await resources.use(startCluster(), (topology) => topology.stop());
    this.#upstream = await resources.use(Upstream.start(), (upstream) => upstream.stop());
  }

  openSystem(): void {
    const list = this.#nodes.map(({ ip = '', port = 0 }) => `${ip}:${port}`);
    const redis = {
      settings: this.settings,
      env: { ARR_REDIS_CLUSTER_NODES: list.join() },
      keys: async () => (await this.keysByMaster()).flat(),
    };
    this.#system = new AdminSystem(redis, this.upstream);
  }

  get #nodes(): readonly { ip?: string; port?: number }[] {
    return started(this.#topology).settings.cluster_nodes ?? [];
  }
}

export function useClusterFixture(): ClusterFixture {
  const fixture = new ClusterFixture();
  useResources((resources) => fixture.start(resources));
  beforeEach(() => fixture.openSystem());
  afterEach(() => fixture.system.close());
  return fixture;
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('it has not been started');
  return part;
}
