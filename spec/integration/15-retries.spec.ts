// Retries (docs/http.md, "The upstream call"): which outcomes are retried and how often, which response is the result, and that
// no attempt starts after the deadline.
import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
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
/** The maximum of `retry.attempts`. */
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
    // Longer than a response takes on a busy machine.
    { name: 'answered', config: { upstream: { attempt_timeout: 2000 } } },
    { name: 'blocking', config: { queue: { name: 'single', concurrency: 1 } } },
    { name: 'single', config: { deadline_seconds: 1, queue: { name: 'single', concurrency: 1 } } },
    { name: 'distant', config: { deadline_seconds: 600 } },
    {
      name: 'deadline',
      // All attempts together would take about 20 s.
      config: {
        deadline_seconds: 3,
        retry: { attempts: MOST_ATTEMPTS, backoff_ms: 2000, max_backoff_ms: 2000 },
      },
    },
  ],
});

/** Each case has a path of its own. */
let pathCount = 0;
const newPath = (route: string): string => `/${route}/${++pathCount}`;

interface Outcome {
  response: HttpResponse;
  /** The status body of the settled job. */
  status: Record<string, unknown>;
  calls: number;
  /** When each call arrived, by `performance.now()`. */
  arrivalsMs: number[];
}

/** Submits to a path that is scripted with these answers, and waits until the job has settled. */
async function runJob(
  path: string,
  answers: readonly Answer[],
  request: { method?: string; headers?: Record<string, string> } = {},
): Promise<Outcome> {
  const arrivalsMs: number[] = [];
  const recorded = answers.map((answer): Answer => (exchange) => {
    arrivalsMs.push(performance.now());
    return answer(exchange);
  });
  stack().upstream.script(path, ...recorded);
  const { id } = await stack().submit(path, request);
  const response = await stack().settled(path, id);
  const status = (await stack().request(`${path}?async-id=${id}`)).json();
  return { response, status, calls: stack().upstream.callsOf(id).length, arrivalsMs };
}

const status = (code: number, headers: ReplyOptions['headers'] = []): Answer =>
  reply({ status: code, headers, body: `said ${code}` });

interface RetriedResponse {
  readonly code: number;
  readonly method: string;
  readonly headers?: Record<string, string>;
  readonly calls: number;
}

describe('responses', () => {
  const responses: RetriedResponse[] = [
    ...[429, 500, 502, 503, 504].map((code) => ({ code, method: 'GET', calls: ATTEMPTS })),
    ...[400, 404, 409, 501, 505].map((code) => ({ code, method: 'GET', calls: 1 })),
    { code: 429, method: 'POST', calls: ATTEMPTS },
    { code: 429, method: 'PATCH', headers: { 'Retry-After': '0' }, calls: ATTEMPTS },
    { code: 503, method: 'POST', headers: { 'Retry-After': '0' }, calls: ATTEMPTS },
    { code: 503, method: 'POST', calls: 1 },
  ];

  test.each(responses)(
    '$code to a $method (headers: $headers) leads to $calls calls, and the last response is the result',
    async ({ code, method, headers = {}, calls }) => {
      const end = await runJob(newPath('retries'), [status(code, headers)], { method });

      expect([end.calls, end.response.status, end.response.text]).toEqual([calls, code, `said ${code}`]);
      expect(end.status).toMatchObject({ state: 'completed', attempts: calls, upstream_status: code });
    },
  );

  // The status body shows it, because nginx closes the connection instead of sending a response with this status.
  test('408 is retried', async () => {
    const path = newPath('retries');
    stack().upstream.script(path, status(408));
    const { id } = await stack().submit(path);
    const body = async (): Promise<Record<string, unknown>> =>
      (await stack().request(`${path}?async-id=${id}`)).json();
    await until('the job to settle', async () => (await body())['state'] === 'completed');

    expect(await body()).toMatchObject({ attempts: ATTEMPTS, upstream_status: 408 });
    expect(stack().upstream.callsOf(id)).toHaveLength(ATTEMPTS);
  });

  test('a route with retry.statuses retries those statuses and no others', async () => {
    const named = await runJob(newPath('own-statuses'), [status(418), status(200)]);
    const other = await runJob(newPath('own-statuses'), [status(500), status(200)]);

    expect([named.calls, named.response.status]).toEqual([2, 200]);
    expect([other.calls, other.response.status]).toEqual([1, 500]);
  });
});

interface RetriedRequest {
  readonly request: string;
  readonly route: string;
  readonly method: string;
  /** A key that no other request has. */
  readonly hasIdempotencyKey?: boolean;
  readonly calls: number;
}

describe('requests', () => {
  const failures: { failure: string; answer: Answer; hasContent?: boolean }[] = [
    { failure: 'a 500', answer: status(500) },
    { failure: 'a reset', answer: hangUp() },
    {
      failure: 'a truncated response',
      answer: hangUpInBody({ announced: 100, sent: 'half' }),
      hasContent: true,
    },
  ];
  const requests: RetriedRequest[] = [
    ...['GET', 'HEAD', 'PUT', 'DELETE'].map((method) => ({
      request: method,
      route: 'retries',
      method,
      calls: ATTEMPTS,
    })),
    { request: 'POST', route: 'retries', method: 'POST', calls: 1 },
    { request: 'PATCH', route: 'retries', method: 'PATCH', calls: 1 },
    {
      request: 'POST with an Idempotency-Key',
      route: 'retries',
      method: 'POST',
      hasIdempotencyKey: true,
      calls: ATTEMPTS,
    },
    { request: 'POST with unsafe_methods', route: 'unsafe', method: 'POST', calls: ATTEMPTS },
    { request: 'PATCH with unsafe_methods', route: 'unsafe', method: 'PATCH', calls: ATTEMPTS },
  ];

  describe.each(failures)('after $failure', ({ answer, hasContent = false }) => {
    // A response to HEAD has no content that could be truncated.
    const possible = requests.filter(({ method }) => !(hasContent && method === 'HEAD'));

    test.each(possible)(
      'a $request is called $calls times',
      async ({ route, method, hasIdempotencyKey = false, calls }) => {
        const headers: Record<string, string> = hasIdempotencyKey ? { 'Idempotency-Key': randomUUID() } : {};
        const end = await runJob(newPath(route), [answer], { method, headers });

        expect([end.calls, end.status['attempts']]).toEqual([calls, calls]);
        expect([500, 502]).toContain(end.response.status);
      },
    );
  });
});

interface ResultCase {
  readonly result: string;
  readonly answers: Answer[];
  readonly calls: number;
  readonly code: number;
}

describe('the result of a job', () => {
  const results: ResultCase[] = [
    {
      result: 'the first final response',
      answers: [status(503), hangUp(), status(201)],
      calls: 3,
      code: 201,
    },
    {
      result: 'the last of several retryable responses',
      answers: [status(500), status(503), status(502)],
      calls: 3,
      code: 502,
    },
    {
      result: 'the last response, if only failures without a response follow it',
      answers: [status(500), hangUp()],
      calls: 3,
      code: 500,
    },
  ];

  test.each(results)('is $result', async ({ answers, calls, code }) => {
    const end = await runJob(newPath('retries'), answers);

    expect([end.calls, end.response.status, end.response.text]).toEqual([calls, code, `said ${code}`]);
    expect(end.status).toMatchObject({ state: 'completed', attempts: calls, upstream_status: code });
  });

  test.each([
    { type: 'upstream-failed', answer: hangUp(), code: 502, proxyError: 'connection_terminated' },
    { type: 'upstream-timeout', answer: silence(), code: 504, proxyError: 'http_response_timeout' },
  ])('is the problem $type if no attempt had a response', async ({ type, answer, code, proxyError }) => {
    const end = await runJob(newPath('timed'), [answer]);

    expect([end.calls, ...problemOf(end.response)]).toEqual([ATTEMPTS, code, type]);
    expect(end.response.header('Proxy-Status')).toContain(proxyError);
    expect(end.status).toMatchObject({
      state: 'failed',
      attempts: ATTEMPTS,
    });
  });
});

describe('time limits', () => {
  test('the connection to the upstream is closed when an attempt exceeds its time limit', async () => {
    const path = newPath('answered');
    const end = await runJob(path, [silence(), reply({ body: 'in time' })]);

    expect([end.calls, end.response.text]).toEqual([2, 'in time']);
    expect(
      stack()
        .upstream.callsTo(path)
        .map(({ wasAbandoned }) => wasAbandoned),
    ).toEqual([true, false]);
  });

  test('a POST that times out is not retried', async () => {
    const end = await runJob(newPath('timed'), [silence()], { method: 'POST' });

    expect([end.calls, ...problemOf(end.response)]).toEqual([1, 504, 'upstream-timeout']);
  });

  interface RetryAfter {
    readonly form: string;
    readonly make: () => { value: string; dueMs: number };
  }
  const inSeconds: RetryAfter = {
    form: 'in seconds',
    make: () => ({ value: '1', dueMs: performance.now() + 1000 }),
  };
  const asDate: RetryAfter = {
    form: 'as a date',
    make: () => {
      const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000);
      return { value: date.toUTCString(), dueMs: performance.now() + date.getTime() - Date.now() };
    },
  };

  test.each([inSeconds, asDate])(
    'a retry waits for the Retry-After of the upstream, given $form',
    async ({ make }) => {
      let dueMs = 0;
      const busy: Answer = (exchange) => {
        const retryAfter = make();
        dueMs = retryAfter.dueMs;
        return status(503, { 'Retry-After': retryAfter.value })(exchange);
      };
      const end = await runJob(newPath('retries'), [busy, status(200)], { method: 'POST' });

      expect([end.calls, end.response.status]).toEqual([2, 200]);
      expect((end.arrivalsMs[1] ?? 0) - dueMs).toBeGreaterThan(-JITTER_MS);
    },
  );

  test('a response whose Retry-After is past the deadline is the result at once', async () => {
    const end = await runJob(newPath('distant'), [status(503, { 'Retry-After': '3600' })]);

    expect([end.calls, end.response.status, end.response.text]).toEqual([1, 503, 'said 503']);
  });

  test('no attempt starts after the deadline, and the last response is the result', async () => {
    const end = await runJob(newPath('deadline'), [status(500)]);

    expect([end.calls, end.response.status]).toEqual([end.status['attempts'], 500]);
    expect(end.calls).toBeLessThan(MOST_ATTEMPTS);
  });

  test('a job that waits past its deadline in a full queue expires and never reaches the upstream', async () => {
    const blocked = newPath('blocking');
    const latch = new Latch();
    stack().upstream.script(blocked, heldBy(latch, reply({ body: 'done' })));
    const running = await stack().submit(blocked);
    await stack().upstream.called(blocked);
    const path = newPath('single');
    const waiting = await Promise.all([1, 2, 3].map(() => stack().submit(path)));
    const ends = await Promise.all(waiting.map(({ id }) => stack().settled(path, id)));
    latch.open();

    expect(ends.map(problemOf)).toEqual(waiting.map(() => [504, 'deadline-exceeded']));
    expect((await stack().settled(blocked, running.id)).text).toBe('done');
    expect(stack().upstream.callsTo(path)).toEqual([]);
    const final = await stack().request(`${path}?async-id=${waiting[0]?.id}`);
    expect(final.json()).toMatchObject({ state: 'expired', attempts: 0 });
  });
});

test('a POST is retried if its connection was refused, because it was never sent', async () => {
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
