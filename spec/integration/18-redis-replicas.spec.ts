// docs/redis.md, "Replicas": what a replica that has fallen behind costs when its master dies, with `min_replicas` and
// without. The wire between the two can be cut; plugin server and worker reach whichever is the master by one address.
import { freePort } from '../helpers/gateway/free-port';
import { DATA, HOST, isLinked, RedisNode } from '../helpers/redis-node';
import { startStack, type Stack } from '../helpers/stack';
import { watchOpenHandles } from '../helpers/stack/open-handles';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';

const START_TIMEOUT_MS = 90_000;
const JOBS = 20;
const ID_HEADER = 'X-Async-Kong-Id';

jest.setTimeout(60_000);

let master: RedisNode;
let replica: RedisNode;
/** Between master and replica. */
let link: TcpProxy;
/** The address that the gateway and the worker know. */
let address: TcpProxy;
let stack: Stack;
let checkHandles: () => Promise<void>;

beforeAll(async () => {
  checkHandles = watchOpenHandles();
  master = new RedisNode(await freePort(), DATA);
  await master.start();
  link = await TcpProxy.start(master.port);
  replica = new RedisNode(await freePort(), { ...DATA, replicaof: `${HOST} ${link.port}` });
  await replica.start();
  await until('the replica to follow', () => isLinked(replica));
  address = await TcpProxy.start(master.port);
  stack = await startStack({
    redis: { isStarted: false },
    shared: { redis: { port: address.port } },
    routes: [
      { name: 'kept', config: { redis: { min_replicas: 1 }, queue: { name: 'kept', concurrency: 1 } } },
      { name: 'plain', config: { queue: { name: 'plain' } } },
    ],
  });
}, START_TIMEOUT_MS);

afterEach(() => expect(stack.leftovers()).toEqual([]));

afterAll(async () => {
  await stack.close();
  await address.close();
  await link.close();
  await replica.stop();
  await master.stop();
  await checkHandles();
}, START_TIMEOUT_MS);

/** How many members the lists of a queue have, and whether BullMQ knows the job. */
async function traces(queue: string, id: string): Promise<unknown[]> {
  const key = `${stack.keyPrefix}:{${queue}}`;
  return [
    await master.ask('ZCARD', `${key}:open`),
    await master.ask('ZCARD', `${key}:places`),
    await master.ask('EXISTS', `${key}:${queue}:${id}`),
  ];
}

/** Whether the replica has everything that its master has written. */
async function hasCaughtUp(): Promise<boolean> {
  const [there, here] = await Promise.all(
    [master, replica].map(
      async (node) => /master_repl_offset:(\d+)/.exec(String(await node.ask('INFO', 'replication')))?.[1],
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
  await replica.ask('REPLICAOF', 'NO', 'ONE');
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
