// kill -9 of the plugin server, and of the worker in it: what was accepted is settled, and no POST is made twice.
import type { HttpResponse } from '../helpers/http-client';
import { Latch } from '../helpers/latch';
import { problemOf } from '../helpers/problem';
import { heldBy, reply, silence } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const CONCURRENCY = 10;

const stack = useStack({
  routes: [
    { name: 'crash', config: { queue: { concurrency: CONCURRENCY } } },
    { name: 'twice', config: { queue: { concurrency: 1 } } },
    { name: 'load' },
  ],
});

/** `completed`, or the type of the problem without its prefix. */
function outcome(response: HttpResponse): string {
  return response.status === 200 ? 'completed' : problemOf(response)[1];
}

test('of 200 jobs queued and running all settle; no POST is called twice, those that ran are outcome-unknown', async () => {
  const { upstream } = stack();
  const path = '/crash/mixed';
  const latch = new Latch();
  upstream.script(path, heldBy(latch, reply({ body: 'done' })));
  const jobs: { id: string; method: string }[] = [];
  for (let index = 0; index < 200; index++) {
    const method = index % 2 === 0 ? 'POST' : 'GET';
    const { id } = await stack().submit(path, { method, ...(method === 'POST' ? { body: 'a' } : {}) });
    jobs.push({ id, method });
  }
  const running = await upstream.called(path, CONCURRENCY);
  const ranAs = (method: string): string[] =>
    running.filter((call) => call.method === method).flatMap(({ jobId }) => jobId ?? []);

  await stack().killPluginServer();
  await until('the calls to be dropped', () => upstream.answersPending === 0);
  latch.open();
  await stack().pluginServerBack(path);
  const outcomes = new Map<string, string>();
  for (const { id } of jobs) outcomes.set(id, outcome(await stack().settled(path, id)));

  expect([ranAs('POST').length, ranAs('GET').length]).toEqual([CONCURRENCY / 2, CONCURRENCY / 2]);
  const ofOutcome = (wanted: string): string[] =>
    jobs.map(({ id }) => id).filter((id) => outcomes.get(id) === wanted);
  expect(ofOutcome('outcome-unknown').sort()).toEqual(ranAs('POST').sort());
  expect(ofOutcome('completed')).toHaveLength(200 - ranAs('POST').length);
  for (const { id, method } of jobs) {
    const calls = method === 'GET' && ranAs('GET').includes(id) ? 2 : 1;
    expect([id, upstream.callsOf(id).length]).toEqual([id, calls]);
  }
});

test('a GET whose worker is killed twice is carried out in the end', async () => {
  const { upstream } = stack();
  const path = '/twice/get';
  upstream.script(path, silence(), silence(), reply({ body: 'third time' }));
  const { id } = await stack().submit(path);

  for (const calls of [1, 2]) {
    await until(`call ${calls}`, () => upstream.callsOf(id).length === calls);
    await stack().killPluginServer();
    await stack().pluginServerBack(path);
  }
  const response = await stack().settled(path, id);

  expect([response.status, response.text]).toEqual([200, 'third time']);
  expect(upstream.callsOf(id).map(({ wasAbandoned }) => wasAbandoned)).toEqual([true, true, false]);
});

test('every 202 that was given under load when the plugin server was killed is the word of a job that settles', async () => {
  const { upstream } = stack();
  const path = '/load/submits';
  const enough = new Latch();
  const responses: HttpResponse[] = [];
  let isRefused = false;
  // Each client goes on until one of them is refused, so that the kill hits however fast the machine is.
  const client = async (name: number): Promise<void> => {
    for (let index = 0; !isRefused; index++) {
      const response = await stack().request(path, { method: 'POST', body: `${name}/${index}` });
      isRefused ||= response.status !== 202;
      if (responses.push(response) === 40) enough.open();
    }
  };
  const clients = Promise.all(Array.from({ length: 50 }, (_, name) => client(name)));
  await Promise.race([enough.opened, clients]);
  await stack().killPluginServer();
  await clients;
  await stack().pluginServerBack(path);

  const ids = responses
    .filter(({ status }) => status === 202)
    .map((response) => response.header('X-Async-Kong-Id') ?? '');
  expect(ids.length).toBeGreaterThan(0);
  expect(ids.length).toBeLessThan(responses.length);
  const outcomes = new Set<string>();
  for (const id of ids) outcomes.add(outcome(await stack().settled(path, id)));
  expect(['completed', 'outcome-unknown']).toEqual(expect.arrayContaining([...outcomes]));
  const bodies = upstream.callsTo(path).map(({ body }) => body.toString());
  expect(new Set(bodies).size).toBe(bodies.length);
  expect(upstream.callsTo(path).filter(({ jobId }) => jobId === undefined)).toEqual([]);
});
