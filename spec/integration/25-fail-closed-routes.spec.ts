// What stays closed, and what does not, on the other kinds of routes while the plugin server does not answer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpResponse } from '../helpers/http-client';
import { strangeJobId } from '../helpers/job-ids';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const root = (path: string): string => readFileSync(join(__dirname, '../..', path), 'utf8');
/** The line of docs/kong.md, and the fail-closed guard. */
const [, FOR_POLLS_ONLY = ''] = /```text\n(if not .*\n)```/.exec(root('docs/kong.md')) ?? [];
const CLOSED_TO_POLLS = {
  name: 'post-function',
  config: { access: [FOR_POLLS_ONLY + root('kong/fail-closed.lua')] },
};

const stack = useStack({
  routes: [
    { name: 'jobs', config: { intercept: 'never', status_url: '/jobs/{id}', poll_queues: ['shared'] } },
    {
      name: 'prefer',
      isFailClosed: false,
      plugins: [CLOSED_TO_POLLS],
      config: { intercept: 'prefer', queue: { name: 'shared' } },
    },
    { name: 'open', isFailClosed: false, config: { intercept: 'prefer', queue: { name: 'shared' } } },
  ],
  // Frozen, a plugin server is away for as long as a test wants it.
  pluginTimeoutMs: 2000,
});

/** More than there are connections between the gateway and the plugin server. */
const MANY = 20;

/**
 * Waits until polls of a route are answered by the plugin. Kong keeps the connection of an answer that it gave up on, and
 * answers 500 to the request that then meets the late answer there: each of them has to be used up.
 */
const answers = (route: string): Promise<unknown> =>
  until('the plugin to answer', async () => {
    const polls = Array.from({ length: MANY }, () => stack().poll(`${route}/x`, strangeJobId()));
    return (await Promise.all(polls)).every(({ status }) => status === 404);
  });

/** While the plugin server is frozen. Kong has an instance of each route before, as it has in production. */
async function whileAway<T>(requests: () => Promise<T>): Promise<T> {
  for (const route of ['/jobs', '/prefer', '/open']) await answers(route);
  const pids = await stack().gateway.pluginServerPids();
  const signal = (name: NodeJS.Signals): void => pids.forEach((pid) => void process.kill(pid, name));
  signal('SIGSTOP');
  try {
    return await requests();
  } finally {
    signal('SIGCONT');
    await answers('/jobs');
  }
}

const statuses = (responses: readonly HttpResponse[]): number[] => responses.map(({ status }) => status);

test('a poll route with the fail-closed guard rejects every request while the plugin server is down', async () => {
  const id = strangeJobId();
  const responses = await whileAway(() =>
    Promise.all([
      stack().poll('/jobs', id),
      stack().poll('/jobs', id, { method: 'POST', body: 'a' }),
      stack().request(`/jobs/${id}`),
      stack().request(`/jobs/${id}/result`),
      stack().request(`/jobs/${id}`, { method: 'DELETE' }),
      stack().request('/jobs'),
    ]),
  );

  expect(statuses(responses)).toEqual([503, 503, 503, 503, 503, 503]);
  expect(stack().upstream.requests.filter(({ path }) => path.startsWith('/jobs'))).toEqual([]);
});

test('with intercept: prefer and the fail-closed guard for polls, polls are rejected while the plugin server is down', async () => {
  const id = strangeJobId();
  const responses = await whileAway(() =>
    Promise.all([
      stack().poll('/prefer/poll', id),
      stack().poll('/prefer/poll', id, { method: 'POST', body: 'a' }),
      stack().request(`/prefer/poll?async-id=${id}`),
      stack().request(`/prefer/poll?async-id=${id}&async-view=result`),
    ]),
  );

  expect(statuses(responses)).toEqual([503, 503, 503, 503]);
  expect(stack().upstream.callsTo('/prefer/poll')).toEqual([]);
});

test('with intercept: prefer a submit reaches the upstream while the plugin server is down', async () => {
  stack().upstream.script('/prefer/submit', reply({ status: 203 }));
  const headers = { Prefer: 'respond-async' };
  const response = await whileAway(() =>
    stack().request('/prefer/submit', { method: 'POST', body: 'a', headers }),
  );

  expect(response.status).toBe(203);
  expect(stack().upstream.callsTo('/prefer/submit')).toHaveLength(1);
});

test('with intercept: prefer and no fail-closed guard a poll reaches the upstream while the plugin server is down', async () => {
  const response = await whileAway(() => stack().poll('/open/poll', strangeJobId()));

  expect(response.status).toBe(200);
  expect(stack().upstream.callsTo('/open/poll')).toHaveLength(1);
});

test('with the fail-closed guard for polls a route accepts submits and polls while the plugin server runs', async () => {
  const path = '/prefer/there';
  const { id, response } = await stack().submit(path, { headers: { Prefer: 'respond-async' } });
  await stack().settled(path, id);

  expect(response.header('Location')).toBe(`${path}?async-id=${id}`);
  expect((await stack().request(`${path}?async-id=${id}`)).status).toBe(303);
  expect((await stack().request(`/jobs/${id}/result`)).status).toBe(200);
});
