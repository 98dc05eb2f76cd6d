// No crash loses a callback: what settled is kept beside the record, and the list has the job from its accept on.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { CallbackStore } from '../../plugins/async-request-reply/callbacks/callback-store';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { callbackKey, callbacksKey, recordKey } from '../../plugins/async-request-reply/redis/keys';
import type { ScriptedRedis } from '../../plugins/async-request-reply/redis/scripts';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'callbacks';
const MINUTE = 60_000;
const DAY = 86_400_000;
const TERMS = {
  url: 'https://example.com/hook',
  secret: 'fingerprint',
  allowPrivate: false,
  links: { status: 'https://api.example.com/a', result: 'https://api.example.com/a/result' },
};

let redis: ScriptedRedis;
let jobs: JobStore;
let index: QueueIndex;
let callbacks: CallbackStore;
let queue: string;

useResources(async (resources) => {
  ({ redis, store: jobs } = await startJobStore(PREFIX, resources));
  index = new QueueIndex(redis, PREFIX);
  callbacks = new CallbackStore(redis, PREFIX);
});

beforeEach(() => {
  queue = newJobId();
});

/** As an accept leaves it. */
async function accepted(): Promise<string> {
  const id = newJobId();
  await jobs.create({
    id,
    queue,
    owner: '',
    settingsHash: 's',
    body: Buffer.alloc(0),
    repeatable: true,
    callback: TERMS,
    maxAttempts: 1,
    delayMs: 0,
    deadlineMs: MINUTE,
    resultTtlMs: MINUTE,
    openTtlMs: 10 * MINUTE,
    request: {
      method: 'POST',
      path: '/',
      target: { scheme: 'http', host: 'h', port: 1 },
      headers: [],
    },
  });
  await index.addJob(queue, id, '', MINUTE, 10 * MINUTE, true);
  return id;
}

async function settle(id: string): Promise<void> {
  await jobs.start(id, 't', MINUTE);
  await jobs.settle(id, 't', { outcome: 'completed', upstreamStatus: 204 });
}

/** What a worker, or the sweep, does of a job that it finds settled. */
async function leave(id: string): Promise<void> {
  const found = await jobs.start(id, 'late', MINUTE);
  await (found.kind === 'already-settled'
    ? index.removeJob(queue, id, found)
    : index.deleteJob(queue, id, ''));
}

const due = async (): Promise<string[]> => (await callbacks.take(queue, MINUTE, 10)).map(({ id }) => id);

it('a job is on the list from its accept on, and is not due before it has settled and left', async () => {
  const id = await accepted();
  expect(await redis.zscore(callbacksKey(PREFIX, queue), id)).not.toBeNull();
  expect(await redis.pttl(callbacksKey(PREFIX, queue))).toBeGreaterThan(DAY);
  expect(await due()).toEqual([]);
  await settle(id);
  await leave(id);
  expect(await due()).toEqual([id]);
});

it('a worker that dies between settle and leave leaves it to the turn after', async () => {
  const id = await accepted();
  await settle(id);
  expect(await due()).toEqual([]);
  await leave(id);
  expect(await due()).toEqual([id]);
});

it('what is told is what settled, also where the record has gone by then', async () => {
  const id = await accepted();
  await settle(id);
  await redis.del(recordKey(PREFIX, id));
  await leave(id);
  expect(await due()).toEqual([id]);
  expect(await callbacks.settlement(id)).toMatchObject({
    record: { id, state: 'completed', upstreamStatus: 204 },
    run: '1',
    options: TERMS,
    tries: 0,
  });
  expect(await redis.pttl(callbackKey(PREFIX, id))).toBeGreaterThan(DAY);
});

it('one worker has it at a time, and another when the first did not say what became of it', async () => {
  const id = await accepted();
  await settle(id);
  await leave(id);
  const [first] = await callbacks.take(queue, 0, 10);
  expect(await callbacks.take(queue, MINUTE, 10)).toMatchObject([{ id }]);
  expect(await due()).toEqual([]);
  // The first comes back: it is another's by now.
  await callbacks.postpone(queue, first ?? { id: '', invisibleUntil: 0, now: 0 }, 0);
  expect(await due()).toEqual([]);
});

it('is over when it was told, and nothing is left of it', async () => {
  const id = await accepted();
  await settle(id);
  await leave(id);
  const [one] = await callbacks.take(queue, MINUTE, 10);
  await callbacks.remove(queue, one ?? { id: '', invisibleUntil: 0, now: 0 }, '1');
  expect(await redis.exists(callbackKey(PREFIX, id), callbacksKey(PREFIX, queue))).toBe(0);
});

it('a run that settles while the one before is being told is told too', async () => {
  const id = await accepted();
  await jobs.start(id, 't', MINUTE);
  await jobs.settle(id, 't', { outcome: 'failed', error: { code: 'upstream-failed', detail: 'd' } });
  await leave(id);
  const [one] = await callbacks.take(queue, MINUTE, 10);
  await jobs.redrive(id);
  await index.addJob(queue, id, '', MINUTE, 10 * MINUTE, true);
  await settle(id);
  await leave(id);
  await callbacks.remove(queue, one ?? { id: '', invisibleUntil: 0, now: 0 }, '1');

  expect(await due()).toEqual([id]);
  expect(await callbacks.settlement(id)).toMatchObject({ run: '2', record: { state: 'completed' } });
});

it('a job that was taken back is not told of', async () => {
  const id = await accepted();
  await jobs.rollBack(id);
  expect(await callbacks.settlement(id)).toBeUndefined();
});
