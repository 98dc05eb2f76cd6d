// docs/redis.md, "Replicas": what a replica that has fallen behind costs when its master dies, with `min_replicas` and
// without. The wire between the two can be cut; plugin server and worker reach whichever is the master by one address.
import { ID_HEADER } from '../helpers/id-header';
import { RedisServer } from '../helpers/redis-server';
import { startStack, type Stack } from '../helpers/stack';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { nothingIsLeft } from '../helpers/use-stack';
import { useResources } from '../helpers/use-resources';

const JOBS = 20;

let master: RedisServer;
let replica: RedisServer;
/** Between master and replica. */
let link: TcpProxy;
/** The address that the gateway and the worker know. */
let address: TcpProxy;
let stack: Stack;

useResources(async (resources) => {
  master = await resources.use(RedisServer.start(), (server) => server.stop());
  link = await resources.use(TcpProxy.start(master.port), (wire) => wire.close());
  const settings = { replicaof: `${master.host} ${link.port}` };
  replica = await resources.use(RedisServer.start({ settings }), (server) => server.stop());
  await replica.follows();
  address = await resources.use(TcpProxy.start(master.port), (wire) => wire.close());
  const starting = startStack({
    redis: { isStarted: false },
    shared: { redis: { port: address.port } },
    routes: [
      { name: 'kept', config: { redis: { min_replicas: 1 }, queue: { name: 'kept', concurrency: 1 } } },
      { name: 'plain', config: { queue: { name: 'plain' } } },
    ],
  });
  stack = await resources.use(starting, (started) => started.close());
});

afterEach(() => nothingIsLeft(stack));

/** How many members the lists of a queue have, and whether BullMQ knows the job. */
async function traces(queue: string, id: string): Promise<unknown[]> {
  const key = `${stack.keyPrefix}:{${queue}}`;
  return [
    await master.command('ZCARD', `${key}:open`),
    await master.command('ZCARD', `${key}:slots`),
    await master.command('EXISTS', `${key}:${queue}:${id}`),
  ];
}

/** Whether the replica has everything that its master has written. */
async function hasCaughtUp(): Promise<boolean> {
  const [there, here] = await Promise.all(
    [master, replica].map(
      async (node) => /master_repl_offset:(\d+)/.exec(String(await node.command('INFO', 'replication')))?.[1],
    ),
  );
  return there === here;
}

test('with min_replicas a job that no replica got is answered 503, never called, and leaves nothing', async () => {
  expect((await stack.roundTrip('/kept/before')).status).toBe(200);
  link.cut();
  const refused = await stack.request('/kept/refused', { method: 'POST', body: 'a' });
  const id = refused.header(ID_HEADER) ?? '';
  const left = await traces('kept', id);
  link.mend();

  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('Too few replicas')]);
  expect(left).toEqual([0, 0, 0]);
  expect((await stack.poll('/kept/refused', id)).status).toBe(410);
  // The queue keeps its order: what was let in behind our back would run before this one.
  expect((await stack.roundTrip('/kept/after')).status).toBe(200);
  expect(stack.upstream.callsTo('/kept/refused')).toEqual([]);
});

test(`a master dies with its replica behind: without min_replicas exactly what was behind is lost, with it nothing`, async () => {
  const early = await Promise.all(Array.from({ length: JOBS }, () => stack.submit('/plain/early')));
  const kept = await Promise.all(Array.from({ length: JOBS }, () => stack.submit('/kept/early')));
  for (const { id } of early) await stack.settled('/plain/early', id);
  for (const { id } of kept) await stack.settled('/kept/early', id);
  await until('the replica to have it all', hasCaughtUp);
  link.cut();
  const late = await Promise.all(Array.from({ length: JOBS }, () => stack.submit('/plain/late')));
  const refused = await stack.request('/kept/late');
  await master.kill();
  await replica.command('REPLICAOF', 'NO', 'ONE');
  address.redirect(replica.port);
  const found = async (path: string, jobs: readonly { id: string }[]): Promise<number[]> => {
    const responses = jobs.map(({ id }) =>
      until('Redis to be back', async () => {
        const response = await stack.poll(path, id);
        return response.status === 503 ? undefined : response.status;
      }),
    );
    return Promise.all(responses);
  };

  expect(refused.status).toBe(503);
  expect(await found('/plain/early', early)).toEqual(early.map(() => 200));
  expect(await found('/kept/early', kept)).toEqual(kept.map(() => 200));
  expect(await found('/plain/late', late)).toEqual(late.map(() => 404));
});
