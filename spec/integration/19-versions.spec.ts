// What workers are told, and two versions at once: nothing in Redis names a secret of the configuration, settings go by
// their content, and a record of a newer program is left to newer workers.
import { redisContents } from '../helpers/redis-contents';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const REDIS_PASSWORD = 'planted-redis-password';

/** A version that no program of this release understands. */
const NEWER = 99;

const stack = useStack({
  routes: [
    { name: 'plain', config: { queue: { name: 'shared' } } },
    { name: 'same', config: { queue: { name: 'shared' } } },
    { name: 'other', config: { queue: { name: 'shared', concurrency: 3 } } },
    { name: 'newer', config: { queue: { name: 'newer' } } },
  ],
  shared: { redis: { password: REDIS_PASSWORD } },
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

/** The default user accepts any password: a secret that is configured and that nothing needs. */
const workerEnv = { ARR_REDIS_PASSWORD: REDIS_PASSWORD };

const settingsOf = async (id: string): Promise<unknown> =>
  await stack().redis.command('HGET', `${stack().keyPrefix}:{${id}}:job`, 'settings');

test('routes with the same settings share one document by its content, others have their own', async () => {
  const ids: string[] = [];
  for (const route of ['/plain', '/same', '/other']) ids.push((await stack().submit(route)).id);
  const [plain, same, other] = await Promise.all(ids.map(settingsOf));

  expect(plain).toMatch(/^[0-9a-f]{32}$/);
  expect([same, other === plain]).toEqual([plain, false]);
});

test('no key and no value in Redis holds a secret of the configuration', async () => {
  const { redis } = stack();
  await stack().submit('/plain', { method: 'POST', body: 'a' });
  startWorker(workerEnv);
  await until('the job to be called', () => stack().upstream.requests.length > 0);
  const contents = await redisContents(redis);

  expect(contents).toContain(':settings:');
  expect(contents).not.toContain(REDIS_PASSWORD);
});

test('a record of a newer program is left alone by this worker, and carried out once it can be read', async () => {
  const { redis, upstream, keyPrefix } = stack();
  const newer = await stack().submit('/newer/first');
  const key = `${keyPrefix}:{${newer.id}}:job`;
  await redis.command('HSET', key, 'v', NEWER);
  const before = await redis.command('HGETALL', key);
  startWorker(workerEnv);
  // The worker has checked the first job once it has run the second.
  const mine = await stack().roundTrip('/newer/second');

  expect([mine.status, upstream.callsOf(newer.id)]).toEqual([200, []]);
  expect(await redis.command('HGETALL', key)).toEqual(before);
  await redis.command('HSET', key, 'v', 1);
  expect((await stack().settled('/newer/first', newer.id)).status).toBe(200);
  expect(upstream.callsOf(newer.id)).toHaveLength(1);
});
