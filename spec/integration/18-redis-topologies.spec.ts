// The same exchange on Redis as users run it, and a master that is killed in the middle of the load.
import type { HttpResponse } from '../helpers/http-client';
import { startCluster, startOneNode, startSentinel, type RedisTopology } from '../helpers/redis-topology';
import { startStack, type Stack } from '../helpers/stack';
import { Latch } from '../helpers/latch';
import { hangUp, heldBy, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { nothingIsLeft } from '../helpers/use-stack';

/** Accepted before the master is killed, and after. */
const BATCH = 50;

const kinds: [string, () => Promise<RedisTopology>, number][] = [
  ['one node', startOneNode, 0],
  ['Sentinel', startSentinel, 1],
  ['Cluster', startCluster, 1],
];

describe.each(kinds)('on %s', (_kind, startRedis, replicas) => {
  let topology: RedisTopology;
  let stack: Stack;

  useResources(async (resources) => {
    topology = await resources.use(startRedis(), (started) => started.stop());
    const starting = startStack({
      redis: { isStarted: false },
      shared: { redis: topology.settings },
      routes: [
        { name: 'jobs', config: { retry: { backoff_ms: 1 } } },
        { name: 'kept', config: { redis: { min_replicas: replicas }, queue: { concurrency: 5 } } },
        {
          name: 'held',
          config: { redis: { min_replicas: replicas }, queue: { concurrency: 20 }, wait: { max_ms: 50_000 } },
        },
      ],
    });
    stack = await resources.use(starting, (started) => started.close());
  });

  afterEach(() => nothingIsLeft(stack));

  test('a job is accepted, carried out and replayed', async () => {
    stack.upstream.script('/jobs/one', reply({ status: 201, body: 'made' }));
    const { id } = await stack.submit('/jobs/one', { method: 'POST', body: 'a' });
    const first = await stack.settled('/jobs/one', id);
    const second = await stack.poll('/jobs/one', id);

    expect([first.status, first.text, second.text]).toEqual([201, 'made', 'made']);
  });

  /** Job IDs, and so their nodes, are random: of ten at least one is on any node but for one time in fifty. */
  const PATHS = Array.from({ length: 10 }, (_, index) => `/held/${index}`);

  /** Holds ten submits, calls `change` while their jobs run, lets these end and returns the answers with the IDs. */
  async function held(change: () => Promise<void>): Promise<{ response: HttpResponse; id: string }[]> {
    const { upstream } = stack;
    const latch = new Latch();
    for (const path of PATHS) upstream.script(path, heldBy(latch, reply({ body: path })));
    const before = PATHS.map((path) => upstream.callsTo(path).length);
    const options = { headers: { Prefer: 'wait=50' } };
    const answers = PATHS.map((path) => stack.request(path, options));
    const calls = await Promise.all(
      PATHS.map(async (path, index) => (await upstream.called(path, (before[index] ?? 0) + 1)).at(-1)),
    );
    await change();
    latch.open();
    const responses = await Promise.all(answers);
    return responses.map((response, index) => ({ response, id: calls[index]?.jobId ?? '' }));
  }

  test('a waiting request returns when its job settles, on whichever node that is', async () => {
    const answers = await held(() => Promise.resolve());

    expect(answers.map(({ response }) => response.text)).toEqual(PATHS);
  });

  test('a request that waits while a master is killed returns its result', async () => {
    const answers = await held(() => topology.failOver());
    await topology.heal();

    for (const [index, { response, id }] of answers.entries()) {
      // A slow failover may outlast the wait: then the 202 has the ID of the same job.
      expect([200, 202]).toContain(response.status);
      expect(response.header('X-Async-Kong-Id')).toBe(id);
      const path = PATHS[index] ?? '';
      expect((await stack.settled(path, id)).text).toBe(path);
    }
  });

  test('is tried again, and cancelled', async () => {
    stack.upstream.script('/jobs/again', hangUp(), reply({ body: 'done' }));
    stack.upstream.script('/jobs/never', silence());
    const again = await stack.roundTrip('/jobs/again');
    const { id } = await stack.submit('/jobs/never');
    const [call] = await stack.upstream.called('/jobs/never');
    const cancelled = await stack.poll('/jobs/never', id, { method: 'DELETE' });

    expect([again.text, cancelled.status]).toEqual(['done', 202]);
    expect((await stack.settled('/jobs/never', id)).status).toBe(410);
    await until('the upstream to see the connection close', () => call?.wasAbandoned);
  });

  test('is taken up again when its worker is killed', async () => {
    stack.upstream.script('/jobs/lost', silence(), reply({ body: 'second' }));
    const { id } = await stack.submit('/jobs/lost');
    await stack.upstream.called('/jobs/lost');
    await stack.killPluginServer();
    await stack.pluginServerBack('/jobs');

    expect((await stack.settled('/jobs/lost', id)).text).toBe('second');
  });

  test(`nothing accepted is lost when a master is killed (min_replicas: ${replicas})`, async () => {
    const accepted: string[] = [];
    const submit = async (): Promise<void> => {
      const response = await stack.request('/kept/jobs');
      if (response.status === 202) accepted.push(response.header('X-Async-Kong-Id') ?? '');
      else expect([500, 503]).toContain(response.status);
    };
    const submitUntil = async (count: number): Promise<void> => {
      await until(`${count} accepts`, async () => {
        await submit();
        return accepted.length >= count;
      });
    };
    await submitUntil(BATCH);
    await Promise.all([topology.failOver(), submit(), submit(), submit()]);
    await topology.heal();
    await submitUntil(2 * BATCH);
    const ends: HttpResponse[] = [];
    for (const id of accepted) {
      ends.push(await stack.settled('/kept/jobs', id));
    }

    expect(ends.filter(({ status }) => status !== 200).map(({ text }) => text)).toEqual([]);
  });
});
