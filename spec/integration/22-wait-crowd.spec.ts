// A thousand waiting requests are a thousand entries in one process: they share one connection, and send no command to Redis.
import type { HttpResponse } from '../helpers/http-client';
import { strangeJobId } from '../helpers/job-ids';
import { byLane } from '../helpers/lane';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const CROWD = 1000;
/** Sent at once. */
const PART = 200;
/** A request reads its job once after its subscription has started, and on the handoff path also when it is accepted. */
const READS = byLane(1, 2);
/** What this spec itself looks into Redis with, and what its connections say of themselves. */
const OURS = /^(info|client|config|pubsub|ping|hello|select|command|auth|quit)\b/;

const stack = useStack({
  routes: [
    {
      name: 'crowd',
      config: {
        queue: { concurrency: 50 },
        wait: { max_ms: 50_000, max_waiting: CROWD },
        redis: { read_timeout: 20_000 },
      },
    },
  ],
  // Workers poll Redis: here only the plugin server uses it.
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

const lines = async (...command: [string, ...string[]]): Promise<string[]> =>
  String(await stack().redis.command(...command)).split(/\r?\n/);

const subscriptions = async (): Promise<number> =>
  ((await stack().redis.command('PUBSUB', 'SHARDCHANNELS')) as string[]).length;

/** Connections of the plugin server: those of this spec come and go. */
const connections = async (): Promise<number> =>
  (await lines('CLIENT', 'LIST')).filter((line) => / cmd=/.test(line) && !/ cmd=client/.test(line)).length;

const subscribers = async (): Promise<number> =>
  (await lines('CLIENT', 'LIST')).filter((line) => / ssub=[1-9]/.test(line)).length;

/** Calls by command, so far. */
async function commands(): Promise<Record<string, number>> {
  const stats = (await lines('INFO', 'commandstats')).flatMap((line) => {
    const [, name = '', calls] = /^cmdstat_([^:]+):calls=(\d+)/.exec(line) ?? [];
    return name === '' || OURS.test(name) ? [] : [[name, Number(calls)] as const];
  });
  return Object.fromEntries(stats);
}

test(`${CROWD} waiting requests need one connection and no command`, async () => {
  const { client } = stack();
  const headers = { Prefer: 'wait=50' };
  const first = stack().request('/crowd/x', { headers });
  await until('the first to be held', async () => (await subscriptions()) === 1);
  const connectionsOfOne = await connections();

  const others: Promise<HttpResponse[]>[] = [];
  // In parts: the test is about waiting requests, not about simultaneous arrivals.
  for (let held = 1; held < CROWD; held += Math.min(PART, CROWD - held)) {
    const part = Array<string>(Math.min(PART, CROWD - held)).fill('/crowd/x');
    others.push(client.crowd(part, () => ({ headers })));
    await until('the part to be held', async () => (await subscriptions()) === held + part.length);
  }
  await until('all to have looked', async () => (await commands())['hgetall'] === READS * CROWD);
  const before = await commands();
  // Waiting requests do not delay others: these are answered without Redis.
  const answers: HttpResponse[] = [];
  for (let asked = 0; asked < 20; asked++) {
    answers.push(
      await stack().request(`/crowd/x?async-id=${strangeJobId()}`, {
        method: 'OPTIONS',
      }),
    );
  }
  const after = await commands();

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
  expect(after).toEqual(before);
  expect(await subscriptions()).toBe(CROWD);
  expect([await connections(), await subscribers()]).toEqual([connectionsOfOne, 1]);
  // A request beyond the limit is answered at once, and so is a poll.
  const { id, response } = await stack().submit('/crowd/x', { headers });
  expect([response.status, (await stack().poll('/crowd/x', id)).status]).toEqual([202, 202]);

  startWorker();
  const ends = [await first, ...(await Promise.all(others)).flat()];
  // On a slow machine the last may have waited in vain.
  const statuses = new Set(ends.map(({ status }) => status));
  expect([...statuses].filter((status) => status !== 200 && status !== 202)).toEqual([]);
  expect(ends.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
  await until('nothing to be held', async () => (await subscriptions()) === 0);
  expect(stack().upstream.requests.filter(({ jobId }) => jobId === undefined)).toEqual([]);
  for (const end of ends.filter(({ status }) => status === 202)) {
    await stack().settled('/crowd/x', end.header('X-Async-Kong-Id') ?? '');
  }
});
