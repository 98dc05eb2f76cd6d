// RFC 9457: every error of the plugin is a problem of its own type, and reveals nothing of the systems behind the gateway.
import {
  problemType,
  PROBLEMS,
  type ProblemCode,
} from '../../plugins/async-request-reply/errors/problem-catalog';
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId } from '../helpers/job-ids';
import { until } from '../helpers/until';
import { hangUp, rawBytes, reply, silence } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const SECRET = 'a-secret-of-the-request';
const YEAR_MS = 31_536_000_000;

const stack = useStack({
  shared: {
    retry: { attempts: 1, connect_attempts: 1 },
    redis: { connect_timeout: 1000, read_timeout: 1000 },
    queue: { priority_header: 'X-Priority', delay_header: 'X-Start' },
  },
  routes: [
    { name: 'plain' },
    { name: 'known', config: { owner: 'consumer' } },
    { name: 'polls', config: { intercept: 'never' } },
    { name: 'once', config: { delete_after_read: true } },
    { name: 'floor', config: { min_poll_interval_ms: 60_000 } },
    { name: 'tiny', config: { request: { max_body_bytes: 10 }, response: { max_body_bytes: 10 } } },
    { name: 'brief', config: { wait: { default_ms: 50, on_timeout: 'error' } } },
    { name: 'slow', config: { upstream: { attempt_timeout: 300 } } },
    { name: 'short', config: { deadline_seconds: 1 } },
    { name: 'full', config: { queue: { max_waiting: 1 } } },
    { name: 'balanced', serviceUrl: 'http://a-kong-upstream' },
    { name: 'refused', serviceUrl: 'http://127.0.0.1:1' },
  ],
  extra: { upstreams: [{ name: 'a-kong-upstream', targets: [{ target: '127.0.0.1:9' }] }] },
  env: { ARR_WORKER_THREADS: '0' },
});
const startWorker = useWorkers(stack);

const send = (target: string, options: RequestOptions = {}): Promise<HttpResponse> =>
  stack().request(target, {
    method: 'POST',
    body: options.method === 'GET' || options.method === 'DELETE' ? '' : SECRET,
    ...options,
    headers: { Authorization: SECRET, ...(options.headers as object) },
  });
const poll = (path: string, id: string, method = 'GET'): Promise<HttpResponse> =>
  send(path, { method, headers: { [ID_HEADER]: id } });
const submit = async (path: string): Promise<string> => (await send(path)).header(ID_HEADER) ?? '';

/** The answer about a job once it has settled. */
async function settled(path: string): Promise<HttpResponse> {
  const id = await submit(path);
  startWorker();
  return until('the job to settle', async () => {
    const response = await poll(path, id);
    return response.status === 202 ? null : response;
  });
}

const PROVOKED: [ProblemCode, () => Promise<HttpResponse>][] = [
  ['ambiguous-id', () => send(`/plain/x?async-id=${strangeJobId()}&async-id=${strangeJobId()}`)],
  ['identity-required', () => send('/known/x')],
  ['not-found', () => poll('/plain/x', strangeJobId())],
  ['not-found', () => send('/polls/x')],
  ['gone', () => poll('/plain/x', strangeJobId(Date.now() - YEAR_MS))],
  ['method-not-allowed', () => send(`/plain/x?async-id=${strangeJobId()}`, { method: 'PATCH' })],
  ['invalid-priority', () => send('/plain/x', { headers: { 'X-Priority': SECRET } })],
  ['invalid-start-time', () => send('/plain/x', { headers: { 'X-Start': SECRET } })],
  ['body-too-large', () => send('/tiny/x')],
  ['load-balanced-upstream', () => send('/balanced/x')],
  [
    'queue-full',
    async () => {
      await submit('/full/x');
      return send('/full/x');
    },
  ],
  [
    'already-settled',
    async () => {
      const id = await submit('/plain/cancelled-twice');
      await poll('/plain/cancelled-twice', id, 'DELETE');
      return poll('/plain/cancelled-twice', id, 'DELETE');
    },
  ],
  [
    'cancelled',
    async () => {
      const id = await submit('/plain/cancelled');
      await poll('/plain/cancelled', id, 'DELETE');
      return poll('/plain/cancelled', id);
    },
  ],
  [
    'polled-too-soon',
    async () => {
      const id = await submit('/floor/x');
      await poll('/floor/x', id);
      return poll('/floor/x', id);
    },
  ],
  ['wait-timeout', () => send('/brief/x')],
  [
    'already-read',
    async () => {
      const id = (await settled('/once/x')).header(ID_HEADER) ?? '';
      return poll('/once/x', id);
    },
  ],
  [
    'deadline-exceeded',
    async () => {
      const id = await submit('/short/x');
      return until('the deadline', async () => {
        const response = await poll('/short/x', id);
        return response.status === 202 ? null : response;
      });
    },
  ],
  ['upstream-failed', () => settled('/refused/x')],
  [
    'upstream-failed',
    () => {
      stack().upstream.script('/plain/hung-up', hangUp());
      return settled('/plain/hung-up');
    },
  ],
  [
    'upstream-timeout',
    () => {
      stack().upstream.script('/slow/x', silence());
      return settled('/slow/x');
    },
  ],
  [
    'bad-response',
    () => {
      stack().upstream.script('/plain/bad', rawBytes(`HTTP/1.1 999 ${SECRET}\r\nContent-Length: 0\r\n\r\n`));
      return settled('/plain/bad');
    },
  ],
  [
    'response-too-large',
    () => {
      stack().upstream.script('/tiny/large', reply({ body: SECRET.repeat(10) }));
      return send('/tiny/large', { body: '' }).then(async (accepted) => {
        startWorker();
        const id = accepted.header(ID_HEADER) ?? '';
        return until('the job to settle', async () => {
          const response = await poll('/tiny/large', id);
          return response.status === 202 ? null : response;
        });
      });
    },
  ],
  [
    'outcome-unknown',
    async () => {
      stack().upstream.script('/plain/lost', silence());
      const id = await submit('/plain/lost');
      const worker = startWorker();
      await stack().upstream.called('/plain/lost');
      await worker.kill();
      startWorker();
      return until('the job to settle', async () => {
        const response = await poll('/plain/lost', id);
        return response.status === 202 ? null : response;
      });
    },
  ],
  [
    'store-full',
    async () => {
      await stack().redis.command('CONFIG', 'SET', 'maxmemory', 1);
      return send('/plain/x').finally(() => stack().redis.command('CONFIG', 'SET', 'maxmemory', 0));
    },
  ],
  [
    'store-unavailable',
    async () => {
      stack().redis.freeze();
      return send('/plain/x').finally(() => stack().redis.thaw());
    },
  ],
];

/** Names and addresses of what stands behind us, what our code is made of, what the client sent. */
const INTERNAL =
  /redis|bullmq|ioredis|undici|127\.0\.0\.1|localhost|\b\d+\.\d+\.\d+\.\d+\b|node_modules|\.js\b|\.ts\b|\.lua\b|\n\s*at |a-secret/i;

/** Codes of the operating system. */
const SYSTEM_CODE = /\bE[A-Z]{4,}\b/;

/** The upstream is why there is no response: RFC 9209. */
const OF_THE_UPSTREAM: ReadonlySet<string> = new Set<ProblemCode>([
  'upstream-failed',
  'upstream-timeout',
  'bad-response',
  'response-too-large',
  'outcome-unknown',
  'wait-timeout',
]);

test.each(PROVOKED)('%s is a problem of its own type, without internal details', async (code, provoke) => {
  const response = await provoke();

  const { status, title } = PROBLEMS[code];
  expect([response.status, response.header('Content-Type')]).toEqual([status, 'application/problem+json']);
  expect(response.json()).toMatchObject({
    type: problemType(code),
    title,
    status,
    detail: expect.stringMatching(/^[A-Z].*\.$/) as string,
  });
  expect(response.header('Cache-Control')).toBe('no-store');
  expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
  expect(response.header('Retry-After') !== undefined).toBe(status === 429 || status === 503);
  const fields = response.fields.filter(([name]) => !/^(via|server|x-kong-.*|date)$/i.test(name));
  const told = `${response.text}\n${fields.map((field) => field.join(': ')).join('\n')}`;
  expect(told).not.toMatch(INTERNAL);
  expect(told).not.toMatch(SYSTEM_CODE);
  expect(response.header('Proxy-Status') ?? '').toMatch(
    OF_THE_UPSTREAM.has(code) ? /^async-request-reply; error=[a-z_]+$/ : /^$/,
  );
  await until('the upstream to be idle', () => stack().upstream.answersPending === 0);
});
