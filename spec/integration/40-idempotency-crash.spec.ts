// docs/http.md, "Idempotency": one job, also where the plugin server dies between the claim of a key and its job.
import { randomUUID } from 'node:crypto';
import type { HttpResponse } from '../helpers/http-client';
import { IS_HANDOFF_LANE, byLane } from '../helpers/lane';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';

const PATH = '/crash/jobs';

const stack = useStack({ routes: [] });

const wires: TcpProxy[] = [];
afterEach(() => Promise.all(wires.splice(0).map((wire) => wire.close())));

const post = (key: string): Promise<HttpResponse> =>
  stack().request(PATH, { method: 'POST', body: 'a', headers: { 'Idempotency-Key': key } });

const idOf = (response: HttpResponse): string => {
  expect([response.status, response.text]).toEqual([202, expect.any(String)]);
  return response.header('X-Async-Kong-Id') ?? '';
};

/** A body that was stored under one ID can be made under no other: it waits until the key falls free. */
const MADE = byLane('by its repeat', 'by its repeat once the claim is 30 s old, with 503 until then');

test(`a submit that dies with the plugin server before its 202 is found or created by its repeat, ${MADE}`, async () => {
  const wire = await TcpProxy.start(stack().redis.port);
  wires.push(wire);
  await stack().applyRoutes([{ name: 'crash', config: { redis: { port: wire.port } } }]);
  await stack().pluginServerBack(PATH);
  // Redis has the scripts from here on: their texts are not asked for when no reply comes.
  const first = idOf(await post(randomUUID()));
  const before = new Set(await stack().redis.keys());
  const key = randomUUID();
  // Redis has the claim, and the plugin server never receives the reply.
  wire.holdReplies((bytes) => bytes.includes(':idem:'));
  const submit = post(key);
  const claim = await until('the key to be claimed', async () =>
    (await stack().redis.keys()).find((name) => name.includes(':idem:') && !before.has(name)),
  );
  await stack().killPluginServer();
  expect((await submit).status).toBeGreaterThanOrEqual(500);
  wire.mend();
  await stack().pluginServerBack(PATH);
  if (IS_HANDOFF_LANE) {
    expect((await post(key)).status).toBe(503);
    await stack().redis.command('HINCRBY', claim, 'at', -30_000);
  }

  const id = idOf(await post(key));

  expect(idOf(await post(key))).toBe(id);
  await stack().settled(PATH, id);
  expect(
    stack()
      .upstream.callsTo(PATH)
      .filter(({ jobId }) => jobId !== first),
  ).toHaveLength(1);
});
