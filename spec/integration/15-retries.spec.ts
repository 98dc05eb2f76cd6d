// docs/http.md, "The upstream call": what is tried again and how often, what the result is, and that nothing starts after
// the deadline.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { TcpProxy } from '../helpers/tcp-proxy';
import {
  hangUp,
  hangUpInBody,
  heldBy,
  reply,
  silence,
  type Answer,
  type ReplyOptions,
} from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const ATTEMPTS = 3;
/** As many as can be. */
const MOST_ATTEMPTS = 20;

/** How far the clocks of this process, of Redis and of HTTP dates may be apart on one machine. */
const JITTER_MS = 100;

const retry = { attempts: ATTEMPTS, backoff_ms: 1, max_backoff_ms: 10 };
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

const stack = useStack({
  shared: { methods, retry, on_complete: 'status' },
  routes: [
    { name: 'retries' },
    { name: 'unsafe', config: { retry: { unsafe_methods: true } } },
    { name: 'own-statuses', config: { retry: { statuses: [418] } } },
    { name: 'timed', config: { upstream: { attempt_timeout: 300 } } },
    // Longer than an answer takes on a busy machine.
    { name: 'answered', config: { upstream: { attempt_timeout: 2000 } } },
    { name: 'blocking', config: { queue: { name: 'single', concurrency: 1 } } },
    { name: 'single', config: { deadline_seconds: 1, queue: { name: 'single', concurrency: 1 } } },
    { name: 'distant', config: { deadline_seconds: 600 } },
    {
      name: 'deadline',
      // All the attempts would take some 20 s.
      config: {
        deadline_seconds: 3,
        retry: { attempts: MOST_ATTEMPTS, backoff_ms: 2000, max_backoff_ms: 2000 },
      },
    },
  ],
});

/** A path of its own for each case. */
let cases = 0;
const newPath = (route: string): string => `/${route}/${++cases}`;

interface End {
  response: HttpResponse;
  /** The status body of the settled job. */
  status: Record<string, unknown>;
  calls: number;
  /** When each call came, by `performance.now()`. */
  arrivalsMs: number[];
}

/** Submits to a path with these answers and waits for the end. */
async function carryOut(
  path: string,
  answers: readonly Answer[],
  request: { method?: string; headers?: Record<string, string> } = {},
): Promise<End> {
  const arrivalsMs: number[] = [];
  const noted = answers.map((answer): Answer => (exchange) => {
    arrivalsMs.push(performance.now());
    return answer(exchange);
  });
  stack().upstream.script(path, ...noted);
  const { id } = await stack().submit(path, request);
  const response = await stack().settled(path, id);
  const status = (await stack().request(`${path}?async-id=${id}`)).json();
  return { response, status, calls: stack().upstream.callsOf(id).length, arrivalsMs };
}

const problemOf = (response: HttpResponse): string => String(response.json()['type']).replace(/^.*:/, '');

const status = (code: number, headers: ReplyOptions['headers'] = []): Answer =>
  reply({ status: code, headers, body: `said ${code}` });

const CUT = 'a response cut off';

describe('what is tried again', () => {
  test.each([
    ...[429, 500, 502, 503, 504].map((code) => [code, 'GET', {}, ATTEMPTS] as const),
    ...[400, 404, 409, 501, 505].map((code) => [code, 'GET', {}, 1] as const),
    [429, 'POST', {}, ATTEMPTS] as const,
    [429, 'PATCH', { 'Retry-After': '0' }, ATTEMPTS] as const,
    [503, 'POST', { 'Retry-After': '0' }, ATTEMPTS] as const,
    [503, 'POST', {}, 1] as const,
  ])(
    '%i to a %s with %j makes %i calls, and the last response is the result',
    async (code, method, headers, calls) => {
      const end = await carryOut(newPath('retries'), [status(code, headers)], { method });

      expect([end.calls, end.response.status, end.response.text]).toEqual([calls, code, `said ${code}`]);
      expect(end.status).toMatchObject({ state: 'completed', attempts: calls, upstream_status: code });
    },
  );

  test('408 too, by the status body: nginx hangs up on a response with that status', async () => {
    const path = newPath('retries');
    stack().upstream.script(path, status(408));
    const { id } = await stack().submit(path);
    const body = async (): Promise<Record<string, unknown>> =>
      (await stack().request(`${path}?async-id=${id}`)).json();
    await until('the job to settle', async () => (await body())['state'] === 'completed');

    expect(await body()).toMatchObject({ attempts: ATTEMPTS, upstream_status: 408 });
    expect(stack().upstream.callsOf(id)).toHaveLength(ATTEMPTS);
  });

  const failures: [string, Answer][] = [
    ['500', status(500)],
    ['a reset', hangUp()],
    [CUT, hangUpInBody({ announced: 100, sent: 'half' })],
  ];
  /** Stands for a key that no other request has. */
  const FRESH = 'fresh';
  const requests: [string, string, string, Record<string, string>, number][] = [
    ...['GET', 'HEAD', 'PUT', 'DELETE'].map(
      (method): [string, string, string, Record<string, string>, number] => [
        method,
        'retries',
        method,
        {},
        ATTEMPTS,
      ],
    ),
    ['POST', 'retries', 'POST', {}, 1],
    ['PATCH', 'retries', 'PATCH', {}, 1],
    ['POST with an Idempotency-Key', 'retries', 'POST', { 'Idempotency-Key': FRESH }, ATTEMPTS],
    ['POST where unsafe_methods is set', 'unsafe', 'POST', {}, ATTEMPTS],
    ['PATCH where unsafe_methods is set', 'unsafe', 'PATCH', {}, ATTEMPTS],
  ];
  // A response to HEAD has no content that could be cut off.
  describe.each(failures)('%s', (failure, answer) => {
    test.each(requests.filter(([method]) => !(failure === CUT && method === 'HEAD')))(
      'after a %s',
      async (_title, route, method, headers, calls) => {
        const fresh = Object.entries(headers).map(([name, value]) => [
          name,
          value === FRESH ? randomUUID() : value,
        ]);
        const sent = Object.fromEntries(fresh) as Record<string, string>;
        const end = await carryOut(newPath(route), [answer], { method, headers: sent });

        expect([end.calls, end.status['attempts']]).toEqual([calls, calls]);
        expect([500, 502]).toContain(end.response.status);
      },
    );
  });

  test('the statuses that the route names, and no others', async () => {
    const named = await carryOut(newPath('own-statuses'), [status(418), status(200)]);
    const other = await carryOut(newPath('own-statuses'), [status(500), status(200)]);

    expect([named.calls, named.response.status]).toEqual([2, 200]);
    expect([other.calls, other.response.status]).toEqual([1, 500]);
  });
});

describe('the result', () => {
  test.each<[string, Answer[], number, number, string]>([
    ['is the first response that is final', [status(503), hangUp(), status(201)], 3, 201, 'said 201'],
    ['is the last of several bad responses', [status(500), status(503), status(502)], 3, 502, 'said 502'],
    ['is the last response, where only failures came after it', [status(500), hangUp()], 3, 500, 'said 500'],
  ])('%s', async (_title, answers, calls, code, text) => {
    const end = await carryOut(newPath('retries'), answers);

    expect([end.calls, end.response.status, end.response.text]).toEqual([calls, code, text]);
    expect(end.status).toMatchObject({ state: 'completed', attempts: calls, upstream_status: code });
  });

  test.each<[string, Answer, number, string]>([
    ['upstream-failed', hangUp(), 502, 'connection_terminated'],
    ['upstream-timeout', silence(), 504, 'http_response_timeout'],
  ])('is %s where there was no response', async (type, answer, code, proxyError) => {
    const end = await carryOut(newPath('timed'), [answer]);

    expect([end.calls, end.response.status, problemOf(end.response)]).toEqual([ATTEMPTS, code, type]);
    expect(end.response.header('Proxy-Status')).toContain(proxyError);
    expect(end.status).toMatchObject({
      state: 'failed',
      attempts: ATTEMPTS,
    });
  });
});

describe('time', () => {
  test('an attempt has its time limit, after which the upstream sees the connection close', async () => {
    const path = newPath('answered');
    const end = await carryOut(path, [silence(), reply({ body: 'in time' })]);

    expect([end.calls, end.response.text]).toEqual([2, 'in time']);
    expect(
      stack()
        .upstream.callsTo(path)
        .map(({ wasAbandoned }) => wasAbandoned),
    ).toEqual([true, false]);
  });

  test('a POST that timed out is not made again', async () => {
    const end = await carryOut(newPath('timed'), [silence()], { method: 'POST' });

    expect([end.calls, end.response.status, problemOf(end.response)]).toEqual([1, 504, 'upstream-timeout']);
  });

  test.each<[string, () => { value: string; dueMs: number }]>([
    ['in seconds', () => ({ value: '1', dueMs: performance.now() + 1000 })],
    [
      'as a date',
      () => {
        const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
        return { value: date.toUTCString(), dueMs: performance.now() + date.getTime() - Date.now() };
      },
    ],
  ])("the upstream's Retry-After %s is waited for", async (_form, retryAfter) => {
    let dueMs = 0;
    const busy: Answer = (exchange) => {
      const asked = retryAfter();
      dueMs = asked.dueMs;
      return status(503, { 'Retry-After': asked.value })(exchange);
    };
    const end = await carryOut(newPath('retries'), [busy, status(200)], { method: 'POST' });

    expect([end.calls, end.response.status]).toEqual([2, 200]);
    expect((end.arrivalsMs[1] ?? 0) - dueMs).toBeGreaterThan(-JITTER_MS);
  });

  test('a Retry-After past the deadline ends the job at once, with the response it came with', async () => {
    const end = await carryOut(newPath('distant'), [status(503, { 'Retry-After': '3600' })]);

    expect([end.calls, end.response.status, end.response.text]).toEqual([1, 503, 'said 503']);
  });

  test('no attempt starts after the deadline: the job ends with its last response', async () => {
    const end = await carryOut(newPath('deadline'), [status(500)]);

    expect([end.calls, end.response.status]).toEqual([end.status['attempts'], 500]);
    expect(end.calls).toBeLessThan(MOST_ATTEMPTS);
  });

  test('what waits past its deadline in a full queue expires while it waits and is never called', async () => {
    const blocked = newPath('blocking');
    const latch = new Latch();
    stack().upstream.script(blocked, heldBy(latch, reply({ body: 'done' })));
    const running = await stack().submit(blocked);
    await stack().upstream.called(blocked);
    const path = newPath('single');
    const waiting = await Promise.all([1, 2, 3].map(() => stack().submit(path)));
    const ends = await Promise.all(waiting.map(({ id }) => stack().settled(path, id)));
    latch.open();

    expect(ends.map((end) => [end.status, problemOf(end)])).toEqual(
      waiting.map(() => [504, 'deadline-exceeded']),
    );
    expect((await stack().settled(blocked, running.id)).text).toBe('done');
    expect(stack().upstream.callsTo(path)).toEqual([]);
    const final = await stack().request(`${path}?async-id=${waiting[0]?.id}`);
    expect(final.json()).toMatchObject({ state: 'expired', attempts: 0 });
  });
});

test('a POST whose connection is refused is made again: it was never sent', async () => {
  const { upstream } = stack();
  const wire = await TcpProxy.reserve(upstream.port);
  const path = '/refused/orders';
  await stack().applyRoutes([
    {
      name: 'refused',
      serviceUrl: `http://127.0.0.1:${wire.port}`,
      config: { retry: { attempts: MOST_ATTEMPTS, backoff_ms: 200, max_backoff_ms: 400 } },
    },
  ]);
  const { id } = await stack().submit(path, { method: 'POST', body: 'once' });
  const attempts = async (): Promise<number> => Number((await stack().poll(path, id)).json()['attempts']);
  await until('two attempts to have failed', async () => (await attempts()) > 2);
  await wire.open();
  const response = await stack().settled(path, id);
  await wire.close();

  expect(response.status).toBe(200);
  expect(upstream.callsOf(id).map(({ method, body }) => [method, body.toString()])).toEqual([
    ['POST', 'once'],
  ]);
});
