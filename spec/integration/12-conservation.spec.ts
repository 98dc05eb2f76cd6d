// Conservation, the heart of it: plugin server, workers and Redis are killed with -9 and brought back, over and over,
// while jobs come in bursts to an upstream that fails, hangs and resets at random. `npm run soak` is this in large.
import type { HttpResponse } from '../helpers/http-client';
import { byLane } from '../helpers/lane';
import { PATIENCE_MS, TEST_TIMEOUT_MS } from '../helpers/patience';
import { ChaoticUpstream } from '../helpers/soak/chaotic-upstream';
import { seededRandom } from '../helpers/soak/random';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const JOBS = Number(process.env['SOAK_JOBS'] ?? 300);
const SEED = Number(process.env['SOAK_SEED'] ?? 20261122);
const BURST = 50;

/** A kill comes after so many calls at the upstream. */
const CALLS_BETWEEN_KILLS = Math.max(30, Math.floor(JOBS / 12));

const PATH = '/soak/jobs';

/** Of a submit, while things are killed. 502: nginx had handed it to the listener that died. */
const ANSWERS = [202, 500, 503, ...byLane([], [502])];

const stack = useStack({
  routes: [
    {
      name: 'soak',
      config: {
        queue: { concurrency: 20, max_waiting: 100_000 },
        upstream: { attempt_timeout: 2000 },
        retry: { attempts: 20, backoff_ms: 50, max_backoff_ms: 500 },
      },
    },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});

jest.setTimeout(TEST_TIMEOUT_MS + JOBS * 200);

const startWorker = useWorkers(stack);

/** Submits in bursts, each job until it is accepted; every other job is a POST. @returns the IDs of what was accepted. */
async function submitAll(): Promise<string[]> {
  const accepted: string[] = [];
  for (let from = 0; from < JOBS; from += BURST) {
    await Promise.all(
      Array.from({ length: BURST }, (_item, index) =>
        until('a job to be accepted', async () => {
          const method = index % 2 === 0 ? 'POST' : 'GET';
          const body = method === 'POST' ? { body: String(from + index) } : {};
          const response = await stack().request(PATH, { method, ...body });
          expect(ANSWERS).toContain(response.status);
          return response.status === 202 && accepted.push(response.header('X-Async-Kong-Id') ?? '');
        }),
      ),
    );
  }
  return accepted;
}

/** Kills something whenever the upstream has had so many more calls, until `isOver`. @returns what was killed. */
async function killInTurn(
  upstream: ChaoticUpstream,
  random: () => number,
  isOver: () => boolean,
): Promise<string[]> {
  const killed: string[] = [];
  const workers = [startWorker(), startWorker()];
  for (let at = CALLS_BETWEEN_KILLS; !isOver(); at += CALLS_BETWEEN_KILLS) {
    await until('more calls', () => isOver() || upstream.total >= at);
    if (isOver()) break;
    // One kind after another, so that each is killed; which worker is chosen at random.
    switch (killed.length % 3) {
      case 0: {
        const chosen = Math.floor(random() * workers.length);
        await workers[chosen]?.kill();
        workers[chosen] = startWorker();
        killed.push('worker');
        break;
      }
      case 1:
        await stack().killPluginServer();
        killed.push('plugin server');
        break;
      default:
        await stack().redis.kill();
        await stack().redis.start();
        killed.push('redis');
    }
  }
  return killed;
}

/** What Redis has of jobs, for the message of a failure. */
async function describeJobs(ids: readonly string[]): Promise<string> {
  const { redis, keyPrefix } = stack();
  const records = ids.map((id) => redis.command('HGETALL', `${keyPrefix}:{${id}}:job`));
  return JSON.stringify(await Promise.all(records));
}

/** The IDs that have a slot in the queue. */
async function membersOfPlaces(): Promise<string[]> {
  const keys = (await stack().redis.keys()).filter((key) => key.endsWith(':slots'));
  const members = await Promise.all(keys.map((key) => stack().redis.command('ZRANGE', key, 0, -1)));
  return members.flat() as string[];
}

test(`of ${JOBS} jobs every one that was accepted settles, whatever is killed meanwhile (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const upstream = new ChaoticUpstream(random);
  stack().upstream.script(PATH, upstream.answer);
  let isOver = false;
  const killing = killInTurn(upstream, random, () => isOver);
  // Heard of where it is awaited.
  killing.catch(() => undefined);
  const accepted = await submitAll();
  const settled = new Map<string, HttpResponse>();
  await until(
    'every accepted job to settle',
    async () => {
      for (const id of accepted.filter((one) => !settled.has(one)).slice(0, BURST)) {
        const response = await stack().poll(PATH, id);
        // Kong's own answers, while the plugin server is away, know no job.
        if (response.status !== 202 && response.header('X-Async-Kong-Id') !== undefined) {
          settled.set(id, response);
        }
      }
      return settled.size === accepted.length;
    },
    { timeoutMs: PATIENCE_MS + JOBS * 150 },
  ).catch(async (error: unknown) => {
    const left = accepted.filter((id) => !settled.has(id));
    throw new Error(
      `${left.length} of ${accepted.length} are not settled: ${await describeJobs(left.slice(0, 10))}`,
      {
        cause: error,
      },
    );
  });
  isOver = true;
  const killed = await killing;
  await until('the last calls to be dropped', () => stack().upstream.answersPending === 0);

  expect(killed).toEqual(expect.arrayContaining(['worker', 'plugin server', 'redis']));
  expect(new Set(accepted).size).toBe(JOBS);
  expect(upstream.overlaps).toEqual([]);
  expect(upstream.forbiddenRepeats).toEqual([]);
  expect(upstream.strays).toBe(0);
  // A worker that was killed between lease and call leaves a job that was never called, and says that it may have been.
  const neverCalled = accepted.filter((id) => !upstream.calls.has(id));
  expect(neverCalled.filter((id) => !settled.get(id)?.text.includes('outcome-unknown'))).toEqual([]);
  await until('nothing to be open in the queue', async () =>
    (await stack().redis.keys()).every((key) => !key.endsWith(':open')),
  );
  // What a submit had reserved when it was killed stays until its time is over, and is no job's.
  expect((await membersOfPlaces()).filter((id) => accepted.includes(id))).toEqual([]);
});
