// A misspelt setting is warned of, once, by the programs that go on without it.
import { RedisServer } from '../helpers/redis-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { WorkerProcess } from '../helpers/worker-process';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

const WRONG = { ARR_REDIS_HOTS: 'geheim' };
const SENTENCE =
  'ARR_REDIS_HOTS is not a setting of this program and has no effect. Did you mean ARR_REDIS_HOST?';

let redis: RedisServer;
let prefix: string;
useResources(async (resources) => {
  redis = await resources.use(RedisServer.start(), (server) => server.stop());
  ({ prefix } = await resources.use(makePrefix(), ({ remove }) => remove()));
});

test('the plugin server logs a warning', async () => {
  const server = await ServerProcess.start(prefix, { env: WRONG });
  await server.kill();
  const lines = server.log.filter(({ msg }) => msg.includes('ARR_REDIS_HOTS'));
  expect(lines).toEqual([expect.objectContaining({ level: 40, msg: SENTENCE })]);
  expect(JSON.stringify(server.log)).not.toContain('geheim');
});

test('a worker logs a warning', async () => {
  const worker = new WorkerProcess({ redis, keyPrefix: 'unknown' }, WRONG);
  await until('the worker to start', () => worker.log.includes('worker started'), { seen: () => worker.log });
  await worker.stop();
  const lines = worker.log.split('\n').filter((line) => line.includes('ARR_REDIS_HOTS'));
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({ level: 40, msg: SENTENCE }),
  ]);
  expect(worker.log).not.toContain('geheim');
});
