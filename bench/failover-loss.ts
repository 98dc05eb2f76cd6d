// What a failover loses: a master is killed with SIGKILL in the middle of submits, and every job that was answered 202
// before and after is asked for. A Sentinel does the failover; with `--lag` the replica is behind its master by so much,
// as on another machine, and takes over at once. Run by hand; docs/redis.md quotes it.
import { RedisServer } from '../spec/helpers/redis-server';
import { startSentinel, type RedisTopology } from '../spec/helpers/redis-topology';
import { startStack, type Stack } from '../spec/helpers/stack';
import type { Releasers } from '../spec/helpers/stack/releasers';
import { TcpProxy } from '../spec/helpers/tcp-proxy';
import { until } from '../spec/helpers/until';
import { main } from './lib/main';
import { benchOptions } from './lib/options';

const ROUTE = '/jobs';
const PATIENCE_MS = 60_000;

interface Count {
  readonly accepted: number;
  readonly lost: number;
}

main(async (releasers) => {
  const options = benchOptions('ts-node bench/failover-loss.ts [options]', {
    clients: { default: 20, help: 'submits at once' },
    before: { default: 500, help: 'jobs accepted before the master is killed' },
    replicas: { default: 0, help: 'redis.min_replicas' },
    lag: { default: 0, help: 'ms by which the replica is behind' },
  });
  const counts: Count[] = [];
  while (counts.length < options.rounds) {
    const count = await round(releasers, options);
    counts.push(count);
    process.stdout.write(`${count.accepted} accepted, ${count.lost} lost\n`);
  }
  const sum = (part: keyof Count): number => counts.reduce((total, count) => total + count[part], 0);
  process.stdout.write(
    `min_replicas ${options.replicas}: ${counts.length} failovers, ${sum('accepted')} accepted, ${sum('lost')} lost\n`,
  );
});

async function round(
  releasers: Releasers,
  { clients, before, replicas, lag }: Readonly<Record<'clients' | 'before' | 'replicas' | 'lag', number>>,
): Promise<Count> {
  const topology = await (lag > 0 ? startLagging(lag) : startSentinel());
  releasers.add(() => topology.stop());
  const redis = { ...topology.settings, min_replicas: replicas };
  const stack = await startStack({
    redis: { isStarted: false },
    routes: [{ name: 'jobs', config: { redis, queue: { name: 'jobs', concurrency: 50 } } }],
  });
  releasers.add(() => stack.close());
  const accepted: string[] = [];
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) {
      // A connection that breaks brought no 202.
      const response = await stack.request(ROUTE, { method: 'POST', body: 'a' }).catch(() => undefined);
      const id = response?.header('X-Async-Kong-Id');
      if (response?.status === 202 && id !== undefined) {
        accepted.push(id);
      }
    }
  };
  const submitting = Promise.all(Array.from({ length: clients }, client));
  await until('the jobs', () => accepted.length >= before, { timeoutMs: PATIENCE_MS });
  await topology.failOver();
  isOver = true;
  await submitting;
  await topology.heal();
  const lost = await countLost(stack, accepted);
  await stack.close();
  await topology.stop();
  return { accepted: accepted.length, lost };
}

/** A master and a replica that has everything so much later, both behind one address; what is on its way dies with the master. */
async function startLagging(lagMs: number): Promise<RedisTopology> {
  const master = await RedisServer.start();
  const link = await TcpProxy.start(master.port, lagMs);
  const replica = await RedisServer.start({ settings: { replicaof: `${master.host} ${link.port}` } });
  await replica.follows();
  const address = await TcpProxy.start(master.port);
  return {
    settings: { host: master.host, port: address.port },
    failOver: async () => {
      await master.kill();
      await link.close();
      await replica.command('REPLICAOF', 'NO', 'ONE');
      address.redirect(replica.port);
    },
    heal: () => Promise.resolve(),
    stop: async () => {
      await address.close();
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}

/** Jobs that no longer exist. @throws if one does not settle */
async function countLost(stack: Stack, ids: readonly string[]): Promise<number> {
  let lost = 0;
  for (const id of ids) {
    const { status } = await stack.settled(ROUTE, id, { timeoutMs: PATIENCE_MS });
    if (status === 404) {
      lost += 1;
    }
  }
  return lost;
}
