// docs/http.md, "Cancel": what waits is taken out of the queue, what runs is aborted in whichever process runs it, what
// has settled stays as it is.
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { TcpProxy } from '../helpers/tcp-proxy';
import { heldBy, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const RACES = 50;
const ALICE = { apikey: 'key-of-alice' };
const BOB = { apikey: 'key-of-bob' };

const keyAuth = { name: 'key-auth', config: { key_names: ['apikey'] } };

const stack = useStack({
  routes: [
    { name: 'cancel' },
    { name: 'later', config: { retry: { backoff_ms: 60_000, max_backoff_ms: 60_000 } } },
    { name: 'race', config: { queue: { name: 'race', concurrency: RACES } } },
    { name: 'keyed', plugins: [keyAuth] },
  ],
  extra: {
    consumers: [
      { username: 'alice', keyauth_credentials: [{ key: 'key-of-alice' }] },
      { username: 'bob', keyauth_credentials: [{ key: 'key-of-bob' }] },
    ],
  },
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

type Delete = (path: string, id: string) => Promise<HttpResponse>;

const byHeader: Delete = (path, id) => stack().poll(path, id, { method: 'DELETE' });
const byStatusUrl: Delete = (path, id) => stack().request(`${path}?async-id=${id}`, { method: 'DELETE' });

async function finalStatus(path: string, id: string): Promise<unknown> {
  return (await stack().request(`${path}?async-id=${id}`)).json()['state'];
}

describe.each([
  ['by header', byHeader],
  ['at the status URL', byStatusUrl],
])('DELETE %s', (where, cancel) => {
  const path = `/cancel/${where.replaceAll(' ', '-')}`;

  test('returns 204 for a queued job, which never reaches the upstream', async () => {
    const { id } = await stack().submit(path, { method: 'POST', body: 'a' });
    const response = await cancel(path, id);
    startWorker();
    const next = await stack().roundTrip(path);

    expect([response.status, response.text]).toEqual([204, '']);
    expect(problemOf(await stack().poll(path, id))).toEqual([410, 'cancelled']);
    expect(await finalStatus(path, id)).toBe('cancelled');
    expect([next.status, stack().upstream.callsOf(id)]).toEqual([200, []]);
  });

  test.each(['GET', 'POST'])(
    'returns 202 for a running %s in another process, aborts the call and cancels the job',
    async (method) => {
      const running = `${path}/${method}`;
      stack().upstream.script(running, silence());
      startWorker();
      const { id } = await stack().submit(running, { method });
      const [call] = await stack().upstream.called(running);
      const response = await cancel(running, id);

      expect([response.status, response.json()['id']]).toEqual([202, id]);
      await until('the upstream to see the connection close', () => call?.wasAbandoned);
      expect(problemOf(await stack().settled(running, id))).toEqual([410, 'cancelled']);
      expect(stack().upstream.callsOf(id)).toHaveLength(1);
    },
  );

  test('returns 204 for a job that waits for its next attempt', async () => {
    const waiting = path.replace('cancel', 'later');
    stack().upstream.script(waiting, reply({ status: 503 }));
    startWorker();
    const { id } = await stack().submit(waiting);
    await until('the job to wait', async () => (await finalStatus(waiting, id)) === 'retrying');

    expect((await cancel(waiting, id)).status).toBe(204);
    expect(problemOf(await stack().poll(waiting, id))).toEqual([410, 'cancelled']);
  });

  test('returns 409 with the state of a settled job, which stays as it is', async () => {
    startWorker();
    const { id } = await stack().submit(`${path}/done`);
    await stack().settled(`${path}/done`, id);
    const response = await cancel(`${path}/done`, id);

    expect(problemOf(response)).toEqual([409, 'already-settled']);
    expect(response.json()['state']).toBe('completed');
    expect((await stack().poll(`${path}/done`, id)).status).toBe(200);
  });

  test('returns 409 for a cancelled job, and 404 for a job of another caller', async () => {
    const { id } = await stack().submit(`${path}/again`);
    const mine = await stack().submit('/keyed/job', { headers: ALICE });
    await cancel(`${path}/again`, id);

    expect(problemOf(await cancel(`${path}/again`, id))).toEqual([409, 'already-settled']);
    const asBob = { method: 'DELETE', headers: { ...BOB, 'X-Async-Kong-Id': mine.id } };
    const target = where === 'by header' ? '/keyed/job' : `/keyed/job?async-id=${mine.id}`;
    const headers = where === 'by header' ? asBob.headers : BOB;
    expect(problemOf(await stack().request(target, { method: 'DELETE', headers }))).toEqual([
      404,
      'not-found',
    ]);
    const look = await stack().request('/keyed/job', { headers: { ...ALICE, 'X-Async-Kong-Id': mine.id } });
    expect([look.status, look.json()['state']]).toEqual([202, 'queued']);
  });
});

test('a job submitted with DELETE is polled with DELETE and its header, and cancelled at its status URL', async () => {
  const path = '/cancel/deletion';
  const { id } = await stack().submit(path, { method: 'DELETE' });
  const polled = await byHeader(path, id);
  const cancelled = await byStatusUrl(path, id);

  expect([polled.status, polled.json()['state']]).toEqual([202, 'queued']);
  expect(cancelled.status).toBe(204);
  expect(problemOf(await byHeader(path, id))).toEqual([410, 'cancelled']);
});

test(`${RACES} cancels that race with completion settle each job exactly once`, async () => {
  const { upstream } = stack();
  const path = '/race/jobs';
  const latch = new Latch();
  upstream.script(path, heldBy(latch, reply({ body: 'done' })));
  startWorker();
  startWorker();
  const submits = Array.from({ length: RACES }, () => stack().submit(path));
  const ids = (await Promise.all(submits)).map(({ id }) => id);
  await upstream.called(path, RACES);
  const [first = '', ...others] = ids;
  // Some before, some while and some after the answers come in.
  const before = byHeader(path, first);
  await until('the first to be cancelled', async () => (await before).status === 202);
  const cancels = Promise.all(others.map((id) => byHeader(path, id)));
  latch.open();
  const answers = [await before, ...(await cancels)].map(({ status }) => status);
  const ends = await Promise.all(ids.map((id) => stack().settled(path, id)));

  const wanted = answers.map((status) => (status === 409 ? 200 : 410));
  expect(ends.map(({ status }) => status)).toEqual(wanted);
  expect([202, 409]).toEqual(expect.arrayContaining([...new Set(answers)]));
  await until('every call to be over', () => upstream.answersPending === 0);
  const again = await Promise.all(ids.map((id) => stack().poll(path, id)));
  expect(again.map(({ status }) => status)).toEqual(wanted);
  expect(upstream.callsTo(path)).toHaveLength(RACES);
  await until('every job to be counted', async () => (await settledIn('race')) >= RACES);
  expect(await settledIn('race')).toBe(RACES);
});

/** How many jobs have settled: the queue counts them, for the rate at which it drains. */
async function settledIn(queue: string): Promise<number> {
  const { redis, keyPrefix } = stack();
  const keys = (await redis.keys()).filter((key) => key.startsWith(`${keyPrefix}:{${queue}}:settled:`));
  const counts = await Promise.all(keys.map((key) => redis.command('GET', key)));
  return counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

describe('a forced race', () => {
  let wire: TcpProxy;
  beforeEach(async () => void (wire = await TcpProxy.start(stack().redis.port)));
  afterEach(() => wire.close());

  const recordOf = (id: string): string => `${stack().keyPrefix}:{${id}}:job`;
  /** EVALSHA, or EVAL at a script's first time on a connection; a look is neither. */
  const isScriptOf = (id: string, bytes: Buffer): boolean =>
    bytes.includes(recordOf(id)) && bytes.includes('eval');
  const stateInRedis = (id: string): Promise<unknown> => stack().redis.command('HGET', recordOf(id), 'state');

  test("a cancel between the upstream's response and its settling wins: 202, then cancelled, once", async () => {
    const path = '/forced-1/job';
    await stack().applyRoutes([{ name: 'forced-1', config: { queue: { name: 'forced-1' } } }]);
    stack().upstream.script(path, reply({ body: 'done' }));
    const { id } = await stack().submit(path);
    // The worker has the answer in hand, and what would settle the job (keys, token, outcome) has left it.
    wire.holdRequests(
      (bytes) => isScriptOf(id, bytes) && /\s\$36\s+\S+\s+\$9\s+completed\s/.test(String(bytes)),
    );
    startWorker({ ARR_REDIS_PORT: String(wire.port), ARR_LEASE_SECONDS: '30' });
    await until('the settling to be under way', () => wire.isHolding);
    const response = await byHeader(path, id);
    wire.letGo();

    expect(response.status).toBe(202);
    expect(problemOf(await stack().settled(path, id))).toEqual([410, 'cancelled']);
    await until('the job to be counted', async () => (await settledIn('forced-1')) > 0);
    expect([await settledIn('forced-1'), stack().upstream.callsOf(id).length]).toEqual([1, 1]);
  });

  test('a completion between the read and the write of a cancel wins: 409 with its state, once', async () => {
    const path = '/forced-2/job';
    const redis = { port: wire.port, read_timeout: 20_000 };
    await stack().applyRoutes([{ name: 'forced-2', config: { queue: { name: 'forced-2' }, redis } }]);
    const latch = new Latch();
    stack().upstream.script(path, heldBy(latch, reply({ body: 'done' })));
    startWorker();
    const { id } = await stack().submit(path);
    await stack().upstream.called(path);
    // The plugin server has read that the job runs, and what would cancel it has left it.
    wire.holdRequests((bytes) => isScriptOf(id, bytes));
    const cancelling = byHeader(path, id);
    await until('the cancel to be under way', () => wire.isHolding);
    latch.open();
    await until('the job to be completed', async () => (await stateInRedis(id)) === 'completed');
    wire.letGo();
    const response = await cancelling;

    expect([...problemOf(response), response.json()['state']]).toEqual([409, 'already-settled', 'completed']);
    expect((await stack().poll(path, id)).text).toBe('done');
    await until('the job to be counted', async () => (await settledIn('forced-2')) > 0);
    expect([await settledIn('forced-2'), stack().upstream.callsOf(id).length]).toEqual([1, 1]);
  });
});
