// docs/http.md, "Replay" and "Poll": the same response for as long as it lies, whatever a poll says beside the ID.
import { laneRoutes, sendDirect, sendQueued } from '../helpers/fidelity/lanes';
import { responseView } from '../helpers/fidelity/views';
import type { HttpResponse } from '../helpers/http-client';
import { until } from '../helpers/until';
import { reply, type ReplyOptions } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const LONG_AGO = 'Wed, 21 Oct 2015 07:28:00 GMT';
const STORED: ReplyOptions = {
  headers: {
    ETag: '"a"',
    'Last-Modified': LONG_AGO,
    'Content-Type': 'text/plain',
    'Set-Cookie': ['a=1', 'b=2'],
  },
  body: 'the whole content',
};

const stack = useStack({
  routes: laneRoutes('replay', {
    config: { on_complete: 'status', retry: { attempts: 1 }, methods: ['GET', 'HEAD'] },
  }),
});

let paths = 0;

/** A job whose result is that response. */
async function settledJob(
  options: ReplyOptions,
): Promise<{ path: string; id: string; replay: HttpResponse }> {
  const path = `/replay/${++paths}`;
  stack().upstream.script(path, reply(options));
  const { id, replay } = await sendQueued(stack(), { target: path }, path);
  return { path, id, replay };
}

/** But for Age, which counts on. */
function view(response: HttpResponse): object {
  const { fields, ...rest } = responseView(response);
  const { age, ...others } = fields;
  return { ...rest, fields: others, hasAge: age !== undefined };
}

test('a replay is the same each time, at both of its URLs', async () => {
  const { path, id, replay } = await settledJob(STORED);

  const again = await stack().poll(path, id);
  const byUrl = await stack().request(`${path}?async-id=${id}&async-view=result`);

  expect(view(again)).toEqual(view(replay));
  expect(view(byUrl)).toEqual(view(replay));
});

test('a replay has the standard reason phrase of its status', async () => {
  const { replay } = await settledJob({ status: 201, reason: 'Fine', body: 'a' });

  expect([replay.status, replay.reason]).toEqual([201, 'Created']);
});

test.each(['/things/1', 'other', 'https://other.example/things/1'])(
  'a Content-Location of %s is replayed unchanged, and does not become a job URL',
  async (value) => {
    const { path, id, replay } = await settledJob({ headers: { 'Content-Location': value }, body: 'a' });

    expect([replay.header('Content-Location'), replay.header('Location')]).toEqual([value, undefined]);
    const status = await stack().request(`${path}?async-id=${id}`);
    expect(status.header('Content-Location')).toBeUndefined();
  },
);

describe('HEAD', () => {
  test.each([
    { status: 200, options: STORED },
    { status: 200, options: { body: '' } },
    { status: 201, options: { headers: { Location: '/a' }, body: 'created' } },
    { status: 204, options: { headers: { ETag: '"a"' } } },
    { status: 304, options: { headers: { ETag: '"a"' } } },
    { status: 404, options: { body: 'none' } },
    { status: 500, options: { headers: { 'Content-Type': 'text/html' }, body: 'oops' } },
  ])('replays the fields of a $status and not its content', async ({ status, options }) => {
    const { path, id, replay } = await settledJob({ status, ...options });

    const byHeader = await stack().poll(path, id, { method: 'HEAD' });
    const byUrl = await stack().request(`${path}?async-id=${id}&async-view=result`, { method: 'HEAD' });

    expect(view(byHeader)).toEqual({ ...view(replay), content: '' });
    expect(view(byUrl)).toEqual({ ...view(replay), content: '' });
  });
});

describe('the result of a job that was submitted with HEAD', () => {
  const cases: [string, ReplyOptions, string | undefined][] = [
    ['a length', { headers: { 'Content-Length': '1234' } }, '1234'],
    [
      'a length over what JavaScript counts in 32 bits',
      { headers: { 'Content-Length': '5000000000' } },
      '5000000000',
    ],
    ['0', { headers: { 'Content-Length': '0' } }, '0'],
    ['chunks', { headers: { 'Transfer-Encoding': 'chunked' } }, undefined],
    ['a length, with 404', { status: 404, headers: { 'Content-Length': '99' } }, '99'],
    ['a length, with 304', { status: 304, headers: { 'Content-Length': '42' } }, '42'],
    ['no length, with 304', { status: 304 }, undefined],
  ];

  test.each(cases)(
    'HEAD of a job that was submitted with HEAD has the Content-Length of the upstream: %s',
    async (_what, options, length) => {
      const path = `/replay/${++paths}`;
      stack().upstream.script(path, reply(options));
      const direct = await sendDirect(stack(), { method: 'HEAD', target: path });
      const { id } = await sendQueued(stack(), { method: 'HEAD', target: path }, path);

      const byHeader = await stack().poll(path, id, { method: 'HEAD' });
      const byUrl = await stack().request(`${path}?async-id=${id}&async-view=result`, { method: 'HEAD' });

      for (const response of [direct.answer, byHeader, byUrl]) {
        expect([response.status, response.header('Content-Length')]).toEqual([options.status ?? 200, length]);
      }
    },
  );

  test('GET of a job that was submitted with HEAD has no content', async () => {
    const path = `/replay/${++paths}`;
    stack().upstream.script(path, reply({ headers: { 'Content-Length': '1234' } }));
    const { id, replay } = await sendQueued(stack(), { method: 'HEAD', target: path }, path);

    const byUrl = await stack().request(`${path}?async-id=${id}&async-view=result`);

    for (const response of [replay, byUrl]) {
      expect([response.status, response.header('Content-Length'), response.text]).toEqual([200, '0', '']);
    }
  });

  test('a waiting submit with HEAD has the Content-Length of the upstream', async () => {
    const path = `/replay/${++paths}`;
    stack().upstream.script(path, reply({ headers: { 'Content-Length': '1234' } }));

    const response = await stack().request(path, { method: 'HEAD', headers: { Prefer: 'wait=20' } });

    expect([response.status, response.header('Content-Length')]).toEqual([200, '1234']);
  });
});

describe('a condition that a poll repeats', () => {
  // nginx would answer 304 by itself, or hang up where it means 412: the conditions were the submit's.
  const conditions = [
    ['If-None-Match', '"a"'],
    ['If-None-Match', '*'],
    ['If-Modified-Since', LONG_AGO],
    ['If-Modified-Since', 'Fri, 31 Dec 2100 23:59:59 GMT'],
    ['If-Match', '"other"'],
    ['If-Unmodified-Since', 'Fri, 31 Dec 1999 23:59:59 GMT'],
    ['Range', 'bytes=0-3'],
  ] as const;

  test.each(conditions)('does not change a replay: %s: %s', async (name, value) => {
    const { path, id, replay } = await settledJob(STORED);

    const response = await stack().request(path, { headers: { 'X-Async-Kong-Id': id, [name]: value } });

    expect(view(response)).toEqual(view(replay));
  });

  test('does not change a replay, nor do several at once', async () => {
    const { path, id, replay } = await settledJob(STORED);
    const headers = { 'X-Async-Kong-Id': id, 'If-Match': '"b"', 'If-None-Match': '"a"', 'If-Range': '"a"' };

    expect(view(await stack().request(path, { headers }))).toEqual(view(replay));
  });

  test.each(conditions)('does not change a status: %s: %s', async (name, value) => {
    const { path, id } = await settledJob(STORED);

    const status = await stack().request(`${path}?async-id=${id}`);
    const again = await stack().request(`${path}?async-id=${id}`, { headers: { [name]: value } });

    expect(status.status).toBe(200);
    expect(view(again)).toEqual(view(status));
  });
});

describe('Age', () => {
  test('Age increases while the result is stored', async () => {
    const { path, id, replay } = await settledJob({ headers: { Age: '100' } });

    const older = await until('the age to grow', async () => {
      const response = await stack().poll(path, id);
      return Number(response.header('Age')) > Number(replay.header('Age')) ? response : null;
    });

    expect(Number(replay.header('Age'))).toBeGreaterThanOrEqual(100);
    expect(view(older)).toEqual(view(replay));
  });
});
