// docs/http.md, "Poll": the last two rows of its table, and the scope of a job.
import { randomUUID } from 'node:crypto';
import { comparable } from '../helpers/comparable';
import type { HttpResponse } from '../helpers/http-client';
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId } from '../helpers/job-ids';
import { useStack } from '../helpers/use-stack';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

const stack = useStack({
  routes: [
    { name: 'home', config: { queue: { name: 'home' } } },
    { name: 'same-queue', config: { queue: { name: 'home' } } },
    { name: 'lists-queue', config: { queue: { name: 'own' }, poll_queues: ['home', 'own'] } },
    { name: 'lists-others', config: { poll_queues: ['home'] } },
    { name: 'other-queue' },
    { name: 'other-prefix', config: { queue: { name: 'home' }, redis: { key_prefix: 'other' } } },
    {
      name: 'brief',
      config: { deadline_seconds: 60, result_ttl_seconds: 60, upstream: { attempt_timeout: 60_000 } },
    },
  ],
});

const VIEWS: [string, (path: string, id: string) => Promise<HttpResponse>][] = [
  ['a header poll', (path, id) => stack().request(path, { headers: { [ID_HEADER]: id } })],
  [
    'a header poll with POST',
    (path, id) => stack().request(path, { method: 'POST', headers: { [ID_HEADER]: id } }),
  ],
  ['the status URL', (path, id) => stack().request(`${path}?async-id=${id}`)],
  ['the result URL', (path, id) => stack().request(`${path}?async-id=${id}&async-view=result`)],
];

/** A job of the queue `home` that has settled. */
async function homeJob(): Promise<string> {
  const { id } = await stack().submit('/home', { method: 'POST', body: 'a' });
  await stack().settled('/home', id);
  return id;
}

describe('an unknown job', () => {
  test.each(VIEWS)('is 404 in %s', async (_view, look) => {
    const response = await look('/home/unknown', strangeJobId());

    expect(response.status).toBe(404);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(response.header('Vary')).toBe('X-Async-Kong-Id, Prefer');
    expect(response.json()).toMatchObject({
      type: expect.stringMatching(/not-found$/) as string,
      title: expect.any(String) as string,
      status: 404,
      detail: expect.any(String) as string,
    });
    expect(stack().upstream.callsTo('/home/unknown')).toEqual([]);
  });

  test.each(VIEWS)(
    'the response for an unknown job equals that for a malformed ID and for a job of another caller in %s',
    async (_view, look) => {
      const foreign = await homeJob();
      const unknown = comparable(await look('/other-queue/x', strangeJobId()), '');

      for (const id of [
        foreign,
        'no-id',
        '42',
        randomUUID(),
        strangeJobId().toUpperCase(),
        `${strangeJobId()}0`,
        `{${strangeJobId()}}`,
        strangeJobId(Date.now() + DAY_MS),
        strangeJobId(Date.now() - 5 * MINUTE_MS),
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
        '__proto__',
      ]) {
        const response = await look('/other-queue/x', id);
        expect([id, hideId(comparable(response, id))]).toEqual([id, hideId(unknown)]);
      }
      expect(stack().upstream.callsTo('/other-queue/x')).toEqual([]);
    },
  );
});

/** Returning the ID to the client that sent it reveals nothing. */
function hideId({ status, fields, body }: ReturnType<typeof comparable>): unknown {
  return { status, fields: fields.filter((field) => !field.startsWith('x-async-kong-id')), body };
}

describe('the scope of a job', () => {
  test.each(['/home', '/same-queue', '/lists-queue', '/lists-others'])(
    'the scope of a poll includes %s',
    async (path) => {
      const id = await homeJob();

      expect((await stack().poll(path, id)).status).toBe(200);
      expect((await stack().request(`${path}?async-id=${id}`)).status).toBe(303);
    },
  );

  test.each(['/other-queue', '/other-prefix'])('the scope of a poll does not include %s', async (path) => {
    const id = await homeJob();

    expect((await stack().poll(path, id)).status).toBe(404);
    expect((await stack().request(`${path}?async-id=${id}`)).status).toBe(404);
  });
});

describe('an ID older than any stored result', () => {
  const beforeMs = (agoMs: number): string => strangeJobId(Date.now() - agoMs);

  test.each(VIEWS)('is 410 gone in %s', async (_view, look) => {
    // Deadline, attempt timeout and result TTL are a minute each.
    const response = await look('/brief/old', beforeMs(4 * MINUTE_MS));

    expect(response.status).toBe(410);
    expect(response.header('Content-Type')).toBe('application/problem+json');
    expect(response.header('Cache-Control')).toBe('no-store');
    expect(response.json()).toMatchObject({ type: expect.stringMatching(/\bgone$/) as string, status: 410 });
    expect(stack().upstream.callsTo('/brief/old')).toEqual([]);
  });

  test.each([
    ['404 just before', '/brief', 2.9 * MINUTE_MS, 404],
    ['410 just after', '/brief', 3.1 * MINUTE_MS, 410],
    ['404 just before, with the defaults', '/home', DAY_MS + 64 * MINUTE_MS, 404],
    ['410 just after, with the defaults', '/home', DAY_MS + 66 * MINUTE_MS, 410],
  ])('is %s', async (_what, path, agoMs, status) => {
    expect((await stack().poll(path, beforeMs(agoMs))).status).toBe(status);
  });
});
