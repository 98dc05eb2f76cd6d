// docs/http.md, "Poll": its table, a test for each of its cells.
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { JobCases, type JobCase, type JobKind } from '../helpers/job-cases';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const stack = useStack({
  shared: {
    owner: 'header',
    owner_header: 'X-Owner',
    retry: { attempts: 1 },
    upstream: { attempt_timeout: 20_000 },
  },
  routes: [
    { name: 'table' },
    { name: 'narrow', config: { queue: { name: 'narrow', concurrency: 1 } } },
    { name: 'expiring', config: { queue: { name: 'narrow', concurrency: 1 }, deadline_seconds: 1 } },
    { name: 'later', config: { retry: { attempts: 2, backoff_ms: 60_000 } } },
    { name: 'slow', config: { upstream: { attempt_timeout: 300 } } },
  ],
});

const jobs = new JobCases(stack);

/** What a cell of the table says. */
interface Cell {
  status: number;
  state?: string;
  type?: string;
  body?: string;
  location?: 'the result URL';
  proxyStatus?: RegExp;
  retryAfter?: boolean;
}

const RESULT_COLUMN: [string, (job: JobCase) => [string, RequestOptions]][] = [
  ['GET with the header', ({ path, id, headers }) => [path, { headers: { ...headers, [ID_HEADER]: id } }]],
  [
    'POST with the header',
    ({ path, id, headers }) => [path, { method: 'POST', headers: { ...headers, [ID_HEADER]: id } }],
  ],
  [
    'GET of the result URL',
    ({ path, id, headers }) => [`${path}?async-id=${id}&async-view=result`, { headers }],
  ],
  [
    'HEAD of the result URL',
    ({ path, id, headers }) => [`${path}?async-id=${id}&async-view=result`, { method: 'HEAD', headers }],
  ],
];
const STATUS_COLUMN: typeof RESULT_COLUMN = [
  ['GET of the status URL', ({ path, id, headers }) => [`${path}?async-id=${id}`, { headers }]],
  [
    'HEAD of the status URL',
    ({ path, id, headers }) => [`${path}?async-id=${id}`, { method: 'HEAD', headers }],
  ],
];

const BOTH_COLUMNS = [...RESULT_COLUMN, ...STATUS_COLUMN];

function expectCell(response: HttpResponse, cell: Cell, job: JobCase, isHead: boolean): void {
  expect(response.status).toBe(cell.status);
  expect(response.header('Location')).toBe(
    cell.location === undefined ? undefined : `${job.path}?async-id=${job.id}&async-view=result`,
  );
  expect(response.header('Proxy-Status') ?? '').toMatch(cell.proxyStatus ?? /^$/);
  expect(response.header('Retry-After') !== undefined).toBe(cell.retryAfter === true);
  expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
  expect(response.header('Cache-Control')).toBe(cell.body === undefined ? 'no-store' : 'private');
  const isProblem = cell.type !== undefined;
  expect(response.header('Content-Type') === 'application/problem+json').toBe(isProblem);
  if (isHead) {
    expect(response.body).toHaveLength(0);
  } else if (isProblem) {
    expect(response.json()).toMatchObject({
      type: `urn:problem:async-request-reply:${cell.type}`,
      status: cell.status,
      title: expect.any(String) as string,
      detail: expect.any(String) as string,
    });
  } else if (cell.body !== undefined) {
    expect(response.text).toBe(cell.body);
  } else {
    expect(response.json()).toMatchObject({ id: job.id, state: cell.state });
  }
  expect(response.text).not.toContain('secret');
}

test.each<[string, JobKind, typeof RESULT_COLUMN, Cell]>([
  [
    'a queued job: a header poll, GET and HEAD of the result URL are 202 with the status body and Retry-After',
    'queued',
    RESULT_COLUMN,
    { status: 202, state: 'queued', retryAfter: true },
  ],
  [
    'a queued job: GET and HEAD of the status URL are 200 with the status body and Retry-After',
    'queued',
    STATUS_COLUMN,
    { status: 200, state: 'queued', retryAfter: true },
  ],
  [
    'a running job: a header poll, GET and HEAD of the result URL are 202 with the status body and Retry-After',
    'running',
    RESULT_COLUMN,
    { status: 202, state: 'running', retryAfter: true },
  ],
  [
    'a running job: GET and HEAD of the status URL are 200 with the status body and Retry-After',
    'running',
    STATUS_COLUMN,
    { status: 200, state: 'running', retryAfter: true },
  ],
  [
    'a retrying job: a header poll, GET and HEAD of the result URL are 202 with the status body and Retry-After',
    'retrying',
    RESULT_COLUMN,
    { status: 202, state: 'retrying', retryAfter: true },
  ],
  [
    'a retrying job: GET and HEAD of the status URL are 200 with the status body and Retry-After',
    'retrying',
    STATUS_COLUMN,
    { status: 200, state: 'retrying', retryAfter: true },
  ],
  [
    "a completed job: a header poll, GET and HEAD of the result URL replay the upstream's response",
    'completed',
    RESULT_COLUMN,
    { status: 207, body: 'done' },
  ],
  [
    'a completed job: GET and HEAD of the status URL are 303 to the result URL',

    'completed',
    STATUS_COLUMN,
    { status: 303, state: 'completed', location: 'the result URL' },
  ],
  [
    'a failed job: a header poll, GET and HEAD of the result URL are 502 problem+json with Proxy-Status',
    'failed',
    RESULT_COLUMN,
    {
      status: 502,
      type: 'upstream-failed',
      proxyStatus: /^async-request-reply; error=connection_terminated$/,
    },
  ],
  [
    'a job that failed by a timeout: a header poll, GET and HEAD of the result URL are 504 problem+json with Proxy-Status',
    'timed out',
    RESULT_COLUMN,
    { status: 504, type: 'upstream-timeout', proxyStatus: /^async-request-reply; error=[a-z_]+$/ },
  ],
  [
    'a failed job: GET and HEAD of the status URL are 303 to the result URL',
    'failed',
    STATUS_COLUMN,
    { status: 303, state: 'failed', location: 'the result URL' },
  ],
  [
    'a cancelled job: a header poll, GET and HEAD of the result URL are 410 problem+json, type cancelled',
    'cancelled',
    RESULT_COLUMN,
    { status: 410, type: 'cancelled' },
  ],
  [
    'a cancelled job: GET and HEAD of the status URL are 200 with the final status',
    'cancelled',
    STATUS_COLUMN,
    { status: 200, state: 'cancelled' },
  ],
  [
    'a job that expired before it ran: a header poll, GET and HEAD of the result URL are 504 problem+json, type deadline-exceeded',
    'expired',
    RESULT_COLUMN,
    { status: 504, type: 'deadline-exceeded' },
  ],
  [
    'a job that expired before it ran: GET and HEAD of the status URL are 200 with the final status',
    'expired',
    STATUS_COLUMN,
    { status: 200, state: 'expired' },
  ],
  [
    'an ID older than any job is kept: a header poll, GET and HEAD of the result URL are 410 problem+json, type gone',
    'old',
    RESULT_COLUMN,
    { status: 410, type: 'gone' },
  ],
  [
    'an ID older than any job is kept: GET and HEAD of the status URL are 410 problem+json, type gone',
    'old',
    STATUS_COLUMN,
    { status: 410, type: 'gone' },
  ],
  [
    'an unknown job: a header poll, and GET and HEAD of its URLs, are 404 problem+json',
    'unknown',
    BOTH_COLUMNS,
    { status: 404, type: 'not-found' },
  ],
  [
    'a malformed ID: a header poll, and GET and HEAD of its URLs, are 404 problem+json',
    'malformed',
    BOTH_COLUMNS,
    { status: 404, type: 'not-found' },
  ],
  [
    "another caller's job: a header poll, and GET and HEAD of its URLs, are 404 problem+json",

    "another caller's",
    BOTH_COLUMNS,
    { status: 404, type: 'not-found' },
  ],
])('%s', async (_title, kind, column, cell) => {
  const job = await jobs.make(kind);
  try {
    for (const [look, requestOf] of column) {
      const response = await stack().request(...requestOf(job));
      expectCell(response, cell, job, look.startsWith('HEAD'));
    }
  } finally {
    await job.end();
    await until('the upstream to be idle', () => stack().upstream.answersPending === 0);
  }
});
