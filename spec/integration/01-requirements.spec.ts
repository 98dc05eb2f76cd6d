// The five requirements of the original proof of concept, and 404 for an unknown ID.
import { ID_HEADER } from '../helpers/id-header';
import { strangeJobId, UUID_V7 } from '../helpers/job-ids';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const stack = useStack({ routes: [{ name: 'reports' }] });

test('a request is given a job ID in X-Async-Kong-Id', async () => {
  const response = await stack().request('/reports', { method: 'POST', body: 'a' });

  expect(response.header(ID_HEADER)).toMatch(UUID_V7);
  await stack().settled('/reports', response.header(ID_HEADER) ?? '');
});

test('the client has its 202 while the upstream is still at work', async () => {
  const { upstream } = stack();
  const latch = new Latch();
  upstream.script('/reports/slow', heldBy(latch, reply()));

  const { id, response } = await stack().submit('/reports/slow', { method: 'POST', body: 'a' });
  await upstream.called('/reports/slow');

  expect(response.status).toBe(202);
  expect(upstream.callsOf(id)).toHaveLength(1);
  expect(upstream.answersPending).toBe(1);
  latch.open();
  await stack().settled('/reports/slow', id);
});

test('a poll is answered with 202 as long as the job is pending', async () => {
  const { upstream } = stack();
  const latch = new Latch();
  upstream.script('/reports/pending', heldBy(latch, reply()));
  const { id } = await stack().submit('/reports/pending');
  await upstream.called('/reports/pending');

  const polls = [await stack().poll('/reports/pending', id), await stack().poll('/reports/pending', id)];

  expect(polls.map(({ status }) => status)).toEqual([202, 202]);
  latch.open();
  await stack().settled('/reports/pending', id);
});

test('polls switch to the real response once the upstream has given it', async () => {
  const { upstream } = stack();
  const latch = new Latch();
  upstream.script('/reports/switch', heldBy(latch, reply({ body: 'the report' })));
  const { id } = await stack().submit('/reports/switch');

  const before = await stack().poll('/reports/switch', id);
  latch.open();
  const after = await stack().settled('/reports/switch', id);
  const again = await stack().poll('/reports/switch', id);

  expect(before.status).toBe(202);
  expect([after.status, after.text]).toEqual([200, 'the report']);
  expect([again.status, again.text]).toEqual([200, 'the report']);
  expect(upstream.callsOf(id)).toHaveLength(1);
});

test.each([
  { status: 200, body: '{"pages":3}' },
  { status: 201, body: 'created' },
  { status: 404, body: '{"error":"no such report"}' },
  { status: 422, body: Buffer.from([0, 255, 128, 10, 13, 0]) },
])('status $status is replayed with its header fields and its body', async ({ status, body }) => {
  const path = `/reports/replay-${status}`;
  const headers = { 'Content-Type': 'application/octet-stream', 'X-Report': ['first', 'second'] };
  stack().upstream.script(path, reply({ status, headers, body }));

  const replayed = await stack().roundTrip(path, { method: 'POST', body: 'a' });

  expect(replayed.status).toBe(status);
  expect(replayed.header('Content-Type')).toBe('application/octet-stream');
  expect(replayed.headers('X-Report')).toEqual(['first', 'second']);
  expect(replayed.body).toEqual(Buffer.from(body));
});

test('an ID that nobody was given is 404 and never reaches the upstream', async () => {
  const id = strangeJobId();

  const response = await stack().poll('/reports/unknown', id);

  expect(response.status).toBe(404);
  expect(response.header('Content-Type')).toBe('application/problem+json');
  expect(stack().upstream.callsTo('/reports/unknown')).toEqual([]);
});
