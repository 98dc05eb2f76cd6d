// README.md, "What is guaranteed": what is in flight to an upstream is bounded over all machines together, and so is how
// often calls start.
import { performance } from 'node:perf_hooks';
import { reply, type Answer } from '../helpers/upstream/answers';
import { CallMeter } from '../helpers/upstream/call-meter';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const CONCURRENCY = 6;

/** Starts in each window of a second. */
const RATE = 5;

const stack = useStack({
  routes: [
    { name: 'bounded', config: { queue: { concurrency: CONCURRENCY } } },
    { name: 'paced', config: { queue: { concurrency: 50, rate_limit: { max: RATE, per_seconds: 1 } } } },
    { name: 'narrow', config: { queue: { name: 'shared', concurrency: 2 } } },
    { name: 'wide', config: { queue: { name: 'shared', concurrency: 8 } } },
    { name: 'asked', config: { queue: { concurrency: 4 }, retry: { backoff_ms: 1 } } },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

async function submitMany(path: string, count: number): Promise<string[]> {
  const submits = Array.from({ length: count }, () => stack().submit(path));
  return (await Promise.all(submits)).map(({ id }) => id);
}

async function allSettle(path: string, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await stack().settled(path, id)).status).toBe(200);
}

test('three workers together never have more calls open than the limit, and reach it, also when one has drained', async () => {
  const path = '/bounded/calls';
  const meter = new CallMeter();
  stack().upstream.script(path, meter.answer);
  const quick = { ARR_DRAIN_TIMEOUT_SECONDS: '2' };
  const workers = [startWorker(quick), startWorker(quick), startWorker(quick)];
  await until('all workers to run', () => workers.every(({ log }) => log.includes('worker started')));
  const ids = await submitMany(path, 5 * CONCURRENCY);
  await until('the limit to be reached', () => meter.open === CONCURRENCY);

  for (const worker of workers.slice(0, 2)) {
    const stopped = worker.stop();
    await until('the worker to drain', () => worker.log.includes('draining'));
    // Its calls end with the others'; what is called after them is called by those that stay.
    meter.release();
    await stopped;
    await until('the limit to be reached again', () => meter.open === CONCURRENCY);
  }
  meter.free();
  await allSettle(path, ids);

  expect(meter.most).toBe(CONCURRENCY);
});

test('three workers together start no more calls in a window than the rate allows', async () => {
  const path = '/paced/calls';
  const meter = new CallMeter();
  meter.free();
  stack().upstream.script(path, meter.answer);
  for (let count = 0; count < 3; count++) startWorker();
  const ids = await submitMany(path, 4 * RATE);
  await allSettle(path, ids);

  const { arrivalsMs } = meter;
  expect(arrivalsMs).toHaveLength(ids.length);
  // Three windows; the very first call may come late, from a worker that is new to it.
  expect((arrivalsMs[3 * RATE] ?? 0) - (arrivalsMs[0] ?? 0)).toBeGreaterThan(2000);
});

test('of two routes that share a queue and disagree the smaller limit holds, and the workers say so', async () => {
  const meter = new CallMeter();
  const paths = ['/wide/calls', '/narrow/calls'] as const;
  for (const path of paths) stack().upstream.script(path, meter.answer);
  const first = await Promise.all(paths.map((path) => submitMany(path, 1)));
  const workers = [startWorker(), startWorker(), startWorker()];
  const ids = await submitMany(paths[0], 12);

  await until('the limit to be reached', () => meter.open === 2);
  for (const worker of workers) {
    await until('every worker to know', () => worker.log.includes('set different limits'));
    expect(worker.log).toMatch(/"queue":"shared","concurrency":2,/);
  }
  meter.free();
  await allSettle(paths[0], [...ids, ...(first[0] ?? [])]);
  await allSettle(paths[1], first[1] ?? []);

  expect(meter.most).toBe(2);
});

test("an upstream's 429 with Retry-After pauses the whole queue, on all workers", async () => {
  const busy = '/asked/busy';
  const others = '/asked/others';
  const meter = new CallMeter();
  meter.free();
  let askedAt = Infinity;
  const tooMany = reply({ status: 429, headers: { 'Retry-After': '2' } });
  const notedTooMany: Answer = (exchange) => {
    askedAt = performance.now();
    return tooMany(exchange);
  };
  stack().upstream.script(busy, notedTooMany, reply({ body: 'at last' }));
  stack().upstream.script(others, meter.answer);
  for (let count = 0; count < 3; count++) startWorker();
  const { id } = await stack().submit(busy, { method: 'POST', body: 'a' });
  await until(
    'the answer to be taken down',
    async () => (await stack().poll(busy, id)).json()['state'] === 'retrying',
  );
  const ids = await submitMany(others, 6);
  await allSettle(others, ids);
  const response = await stack().settled(busy, id);

  expect(Math.min(...meter.arrivalsMs) - askedAt).toBeGreaterThanOrEqual(2000);
  expect([response.status, response.text]).toEqual([200, 'at last']);
});
