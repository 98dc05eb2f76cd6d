// README.md, "What is guaranteed": a worker that is killed, stopped or cut off loses its job to another, one call at
// a time, and what it says afterwards counts for nothing. Shutting down, and the circuit breaker, hand work back too.
import { performance } from 'node:perf_hooks';
import { Queue } from 'bullmq';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { TcpProxy } from '../helpers/tcp-proxy';
import { heldBy, reply, silence, type Answer } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';
import type { WorkerProcess } from '../helpers/worker-process';

/** A lease that outlasts every wait of a spec. */
const ENDLESS_LEASE = { ARR_LEASE_SECONDS: '600' };

const BREAKER_OPEN_SECONDS = 2;
const JITTER_MS = 150;

const stack = useStack({
  routes: [
    { name: 'lost' },
    { name: 'drain' },
    {
      name: 'breaker',
      config: {
        queue: { name: 'breaker', concurrency: 1 },
        breaker: { failures: 3, open_seconds: BREAKER_OPEN_SECONDS },
        retry: { attempts: 20, backoff_ms: 1, max_backoff_ms: 1 },
      },
    },
  ],
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

/** The end of the first call and the beginning of the second, by `performance.now()`. */
interface Handover {
  firstClosedMs: number;
  secondBeganMs: number;
}

/** The first call of a path is never answered, the second at once. */
function scriptHandover(path: string): Handover {
  const times: Handover = { firstClosedMs: Infinity, secondBeganMs: -Infinity };
  const first: Answer = async ({ gone }) => {
    await gone;
    times.firstClosedMs = performance.now();
  };
  const second: Answer = (exchange) => {
    times.secondBeganMs = performance.now();
    return reply({ body: 'from the second' })(exchange);
  };
  stack().upstream.script(path, first, second);
  return times;
}

describe('a worker that is lost', () => {
  const wires: TcpProxy[] = [];
  afterEach(() => Promise.all(wires.splice(0).map((wire) => wire.close())));

  /** A worker whose wire to Redis can be cut. */
  async function startWired(): Promise<{ worker: WorkerProcess; wire: TcpProxy }> {
    const wire = await TcpProxy.start(stack().redis.port);
    wires.push(wire);
    return { worker: startWorker({ ARR_REDIS_PORT: String(wire.port) }), wire };
  }

  /** A stopped process keeps its call open until it is killed. */
  async function endedFor(worker: WorkerProcess): Promise<void> {
    await worker.kill();
    await until('its call to be dropped', () => stack().upstream.answersPending === 0);
  }

  type Lose = (worker: WorkerProcess, wire: TcpProxy) => void | Promise<void>;
  const ways: [string, Lose][] = [
    ['killed', (worker) => worker.kill()],
    ['stopped', (worker) => worker.signal('SIGSTOP')],
    ['cut off', (_worker, wire) => wire.cut()],
  ];

  test.each(ways)('%s: another carries out its GET when its lease is over', async (how, lose) => {
    const path = `/lost/get-${how.replace(' ', '-')}`;
    const times = scriptHandover(path);
    const { worker, wire } = await startWired();
    const { id } = await stack().submit(path);
    await stack().upstream.called(path);
    startWorker();
    await lose(worker, wire);
    const response = await stack().settled(path, id);
    await endedFor(worker);

    expect([response.status, response.text]).toEqual([200, 'from the second']);
    expect(stack().upstream.callsOf(id)).toHaveLength(2);
    // A process that is stopped by force cannot hang up: the one overlap there is, of a call that may be repeated.
    if (how !== 'stopped') expect(times.firstClosedMs).toBeLessThan(times.secondBeganMs);
  });

  test.each(ways)('%s: its POST is not made again, and ends outcome-unknown', async (how, lose) => {
    const path = `/lost/post-${how.replace(' ', '-')}`;
    stack().upstream.script(path, silence());
    const { worker, wire } = await startWired();
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    await stack().upstream.called(path);
    startWorker();
    await lose(worker, wire);
    const response = await stack().settled(path, id);
    await endedFor(worker);

    expect(problemOf(response)).toEqual([502, 'outcome-unknown']);
    expect(stack().upstream.callsOf(id)).toHaveLength(1);
  });

  test.each<[string, Lose, Lose]>([
    ['stopped', (worker) => worker.signal('SIGSTOP'), (worker) => worker.signal('SIGCONT')],
    ['cut off', (_worker, wire) => wire.cut(), (_worker, wire) => wire.mend()],
  ])('%s, it settles nothing when it is back, and works on', async (how, lose, wake) => {
    const path = `/lost/back-${how.replace(' ', '-')}`;
    const early = new Latch();
    stack().upstream.script(
      path,
      heldBy(early, reply({ body: 'from the first' })),
      reply({ body: 'from the second' }),
    );
    const { worker, wire } = await startWired();
    const { id } = await stack().submit(path);
    await stack().upstream.called(path);
    const other = startWorker();
    await lose(worker, wire);
    // The answer is on its way to the worker that is lost, and lies there when it wakes.
    if (how === 'stopped') early.open();
    expect((await stack().settled(path, id)).text).toBe('from the second');
    await wake(worker, wire);
    early.open();
    await other.stop();
    // What it does next shows that it has come round.
    const next = await stack().roundTrip(`${path}/next`);

    expect(next.status).toBe(200);
    expect((await stack().poll(path, id)).text).toBe('from the second');
    expect(stack().upstream.callsOf(id)).toHaveLength(2);
  });
});

describe('SIGTERM', () => {
  test('lets a running call end, and nothing new start', async () => {
    const path = '/drain/ends';
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply({ body: 'done' })));
    const worker = startWorker();
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    await stack().upstream.called(path);
    const stopped = worker.stop();
    await until('the worker to drain', () => worker.log.includes('draining'));
    const waiting = await stack().submit('/drain/waits');
    latch.open();
    await stopped;

    expect((await stack().poll(path, id)).text).toBe('done');
    expect((await stack().poll('/drain/waits', waiting.id)).json()['state']).toBe('queued');
    startWorker();
    expect((await stack().settled('/drain/waits', waiting.id)).status).toBe(200);
  });

  test('hands a GET that takes too long back to the queue at once, without counting the attempt', async () => {
    const path = '/drain/get';
    const times = scriptHandover(path);
    // At once: no lease has to run out first.
    const worker = startWorker({ ...ENDLESS_LEASE, ARR_DRAIN_TIMEOUT_SECONDS: '1' });
    const { id } = await stack().submit(path);
    await stack().upstream.called(path);
    startWorker(ENDLESS_LEASE);
    const stopped = worker.stop();
    const response = await stack().settled(path, id);
    await stopped;

    expect([response.status, response.text]).toEqual([200, 'from the second']);
    expect(times.firstClosedMs).toBeLessThanOrEqual(times.secondBeganMs);
  });

  test('settles a POST that takes too long outcome-unknown', async () => {
    const path = '/drain/post';
    stack().upstream.script(path, silence());
    const worker = startWorker({ ARR_DRAIN_TIMEOUT_SECONDS: '1' });
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    await stack().upstream.called(path);
    await worker.stop();

    expect(problemOf(await stack().poll(path, id))).toEqual([502, 'outcome-unknown']);
    expect(stack().upstream.callsOf(id)).toHaveLength(1);
  });
});

describe('the circuit breaker', () => {
  const path = '/breaker/calls';
  const breakerKey = (): string => `${stack().keyPrefix}:{breaker}:breaker`;
  let queue: Queue;

  beforeEach(() => {
    const { redis, keyPrefix } = stack();
    queue = new Queue('breaker', {
      connection: { host: redis.host, port: redis.port },
      prefix: `${keyPrefix}:{breaker}`,
    });
  });
  afterEach(() => queue.close());

  /** Responses that record when their call arrived. */
  function noted(arrivalsMs: number[], ...answers: Answer[]): Answer[] {
    return answers.map((answer) => (exchange) => {
      arrivalsMs.push(performance.now());
      return answer(exchange);
    });
  }

  const bad = reply({ status: 500 });
  const good = reply({ body: 'well again' });
  const submitThree = async (): Promise<string[]> =>
    (await Promise.all([1, 2, 3].map(() => stack().submit(path)))).map(({ id }) => id);

  test('opens after failures in a row, lets one probe through, and closes when that succeeds', async () => {
    const arrivalsMs: number[] = [];
    const failuresBefore: unknown[] = [];
    const probe = new Latch();
    const answers = [bad, bad, bad, bad, heldBy(probe, good), good].map(
      (answer): Answer =>
        async (exchange) => {
          failuresBefore.push(await stack().redis.command('HGET', breakerKey(), 'failures'));
          await answer(exchange);
        },
    );
    stack().upstream.script(path, ...noted(arrivalsMs, ...answers));
    const ids = await submitThree();
    startWorker();
    startWorker();
    await until('the second probe', () => arrivalsMs.length === 5);
    probe.open();
    const ends = await Promise.all(ids.map((id) => stack().settled(path, id)));

    expect(ends.map(({ text }) => text)).toEqual(ids.map(() => 'well again'));
    const pauses = arrivalsMs.slice(1).map((atMs, index) => atMs - (arrivalsMs[index] ?? 0));
    const openMs = BREAKER_OPEN_SECONDS * 1000 - JITTER_MS;
    // Three failures open it; the first probe fails, and it is open as long again; the second closes it.
    expect(failuresBefore).toEqual([null, '1', '2', '3', '4', null, null]);
    expect(pauses.slice(2, 4).filter((ms) => ms < openMs)).toEqual([]);
  });

  test("closes without undoing an administrator's pause", async () => {
    const arrivalsMs: number[] = [];
    stack().upstream.script(path, ...noted(arrivalsMs, bad, bad, bad, good));
    startWorker();
    const ids = await submitThree();
    await until('the breaker to open', () => arrivalsMs.length === 3);
    const openedAt = performance.now();
    await queue.pause();
    // The breaker's own time is over when its key says so.
    await until('the time of the breaker to be over', async () => {
      const openUntil = Number(await stack().redis.command('HGET', breakerKey(), 'open_until'));
      return performance.now() - openedAt > BREAKER_OPEN_SECONDS * 1000 && Date.now() > openUntil + 500;
    });
    expect([await queue.isPaused(), arrivalsMs.length]).toEqual([true, 3]);
    await queue.resume();

    for (const id of ids) expect((await stack().settled(path, id)).text).toBe('well again');
  });

  test("stays open when an administrator's pause ends", async () => {
    const arrivalsMs: number[] = [];
    stack().upstream.script(path, ...noted(arrivalsMs, bad, bad, bad, good));
    startWorker();
    const ids = await submitThree();
    await until('the breaker to open', () => arrivalsMs.length === 3);
    await queue.pause();
    await queue.resume();
    for (const id of ids) expect((await stack().settled(path, id)).text).toBe('well again');

    expect((arrivalsMs[3] ?? 0) - (arrivalsMs[2] ?? 0)).toBeGreaterThan(
      BREAKER_OPEN_SECONDS * 1000 - JITTER_MS,
    );
  });
});
