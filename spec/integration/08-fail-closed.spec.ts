// The recipe of every kong.yml of ours: kong/fail-closed.lua behind the plugin. Whatever becomes of the plugin server, the
// upstream sees the calls of workers and nothing else.
import type { HttpResponse, RequestOptions } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId } from '../helpers/job-ids';
import { byLane } from '../helpers/lane';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const SUBMIT = '/closed/submit';
const POLL = '/closed/poll';

const stack = useStack({
  workers: 2,
  routes: [{ name: 'closed', config: { queue: { concurrency: 50 } } }],
});

/** Every second request is a poll, half of those by the header and half by the status URL. */
function nth(index: number): { target: string; options: RequestOptions; isSubmit: boolean } {
  const method = index % 3 === 0 ? 'GET' : 'POST';
  const content = method === 'POST' ? { method, body: String(index) } : { method };
  if (index % 2 === 0) return { target: SUBMIT, options: content, isSubmit: true };
  const id = strangeJobId();
  return index % 4 === 1
    ? { target: POLL, options: { ...content, headers: { [ID_HEADER]: id } }, isSubmit: false }
    : { target: `${POLL}?async-id=${id}`, options: {}, isSubmit: false };
}

/** How often each status came. */
function tally(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Fails unless every request at the upstream was a worker's, and one for a job that a submit made. */
function expectOnlyWorkers(): void {
  const { requests } = stack().upstream;
  expect(requests.filter(({ path }) => path !== SUBMIT).map(({ target }) => target)).toEqual([]);
  expect(requests.filter(({ jobId }) => jobId === undefined)).toHaveLength(0);
  const posts = requests.filter(({ method }) => method === 'POST').map(({ body }) => body.toString());
  expect(new Set(posts).size).toBe(posts.length);
}

test('no request of 3,000 concurrent clients bypasses the plugin', async () => {
  const { client, upstream } = stack();
  const requests = Array.from({ length: 3000 }, (_, index) => nth(index));

  const responses = await client.crowd(
    requests.map(({ target }) => target),
    (index) => requests[index]?.options ?? {},
  );

  const accepted = responses.filter(({ status }) => status === 202);
  // With a 503 comes an ID where it is not known whether the job came to be.
  const told = new Set(responses.flatMap((response) => response.header(ID_HEADER) ?? []));
  const statuses = tally(responses.map(({ status }) => status));
  // Submits are accepted or refused, polls find nothing or are refused.
  expect(Object.keys(statuses).filter((status) => !['202', '404', '503'].includes(status))).toEqual([]);
  expect(new Set(accepted.map((response) => response.header(ID_HEADER))).size).toBe(accepted.length);
  expect(accepted.length).toBeGreaterThan(0);
  await until('every accepted job to be called', () => upstream.requests.length >= accepted.length);
  expect(upstream.requests.filter(({ jobId }) => !told.has(jobId ?? ''))).toHaveLength(0);
  expectOnlyWorkers();
});

test('no request bypasses the plugin while the plugin server is killed three times under load', async () => {
  let isOver = false;
  let next = 10_000;
  const statuses: number[] = [];
  const load = Array.from({ length: 40 }, async () => {
    while (!isOver) {
      const { target, options } = nth(next++);
      const response: HttpResponse = await stack().request(target, options);
      statuses.push(response.status);
    }
  });
  const answered = (status: number, more: number): Promise<unknown> => {
    const before = tally(statuses)[status] ?? 0;
    const wanted = before + more;
    return until(`${wanted} answers of ${status}`, () => (tally(statuses)[status] ?? 0) >= wanted);
  };

  try {
    for (let kills = 0; kills < 3; kills++) {
      await answered(202, 50);
      await stack().killPluginServer();
      await answered(503, 50);
    }
    await answered(202, 50);
  } finally {
    isOver = true;
    await Promise.all(load);
  }

  // 500: Kong's own, where it has not started an instance yet; 502: what was handed off to the listener that died.
  const expected = ['202', '404', '500', '503', ...byLane([], ['502'])];
  expect(Object.keys(tally(statuses)).filter((status) => !expected.includes(status))).toEqual([]);
  await until('the upstream to be idle', () => stack().upstream.answersPending === 0);
  expectOnlyWorkers();
});
