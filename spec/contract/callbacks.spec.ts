// No crash loses a callback: what settled is kept beside the record, and the list has the job from its accept on.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { CallbackStore } from '../../plugins/async-request-reply/callbacks/callback-store';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'callbacks';
const KEYS = new KeySpace(PREFIX);
const MINUTE = 60_000;
const DAY = 86_400_000;
const TERMS = {
  url: 'https://example.com/hook',
  secret: 'fingerprint',
  allowPrivate: false,
  links: { status: 'https://api.example.com/a', result: 'https://api.example.com/a/result' },
};

let redis: RedisClient;
let jobs: JobStore;
let index: QueueIndex;
let callbacks: CallbackStore;
let queue: string;

useResources(async (resources) => {
  ({ redis, store: jobs } = await startJobStore(PREFIX, resources));
  index = new QueueIndex(redis, KEYS);
  callbacks = new CallbackStore(redis, KEYS);
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
  await index.addJob({
    queue,
    id,
    owner: '',
    deadlineMs: MINUTE,
    lifeMs: 10 * MINUTE,
    hasCallback: true,
    requestBytes: 0,
  });
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

test('a callback is listed from the accept on, and is due once the job has settled and left its queue', async () => {
  const id = await accepted();
  expect(await redis.zscore(KEYS.callbacks(queue), id)).not.toBeNull();
  expect(await redis.pttl(KEYS.callbacks(queue))).toBeGreaterThan(DAY);
  expect(await due()).toEqual([]);
  await settle(id);
  await leave(id);
  expect(await due()).toEqual([id]);
});

test('a worker that dies between settling a job and removing it leaves the callback to the next run', async () => {
  const id = await accepted();
  await settle(id);
  expect(await due()).toEqual([]);
  await leave(id);
  expect(await due()).toEqual([id]);
});

test('a callback contains the settled state, even if the record has expired since', async () => {
  const id = await accepted();
  await settle(id);
  await redis.del(KEYS.record(id));
  await leave(id);
  expect(await due()).toEqual([id]);
  expect(await callbacks.settlement(id)).toMatchObject({
    record: { id, state: 'completed', upstreamStatus: 204 },
    run: '1',
    options: TERMS,
    tries: 0,
  });
  expect(await redis.pttl(KEYS.callback(id))).toBeGreaterThan(DAY);
});

test('one worker at a time has a callback, and another takes it if the first does not report the outcome', async () => {
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

test('a delivered callback is deleted completely', async () => {
  const id = await accepted();
  await settle(id);
  await leave(id);
  const [one] = await callbacks.take(queue, MINUTE, 10);
  await callbacks.remove(queue, one ?? { id: '', invisibleUntil: 0, now: 0 }, '1');
  expect(await redis.exists(KEYS.callback(id), KEYS.callbacks(queue))).toBe(0);
});

test('a run that settles during the callback of the previous run has a callback of its own', async () => {
  const id = await accepted();
  await jobs.start(id, 't', MINUTE);
  await jobs.settle(id, 't', { outcome: 'failed', error: { code: 'upstream-failed', detail: 'd' } });
  await leave(id);
  const [one] = await callbacks.take(queue, MINUTE, 10);
  await jobs.redrive(id);
  await index.addJob({
    queue,
    id,
    owner: '',
    deadlineMs: MINUTE,
    lifeMs: 10 * MINUTE,
    hasCallback: true,
    requestBytes: 0,
  });
  await settle(id);
  await leave(id);
  await callbacks.remove(queue, one ?? { id: '', invisibleUntil: 0, now: 0 }, '1');

  expect(await due()).toEqual([id]);
  expect(await callbacks.settlement(id)).toMatchObject({ run: '2', record: { state: 'completed' } });
});

test('a job that was rolled back has no callback', async () => {
  const id = await accepted();
  await jobs.rollBack(id);
  expect(await callbacks.settlement(id)).toBeUndefined();
});
