// Idempotency keys and callbacks where a queue's keys lie on one node and a job's on another.
import { randomBytes, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { CallbackReceiver } from '../helpers/callback-receiver';
import { CertificateAuthority } from '../helpers/certificates';
import type { HttpResponse } from '../helpers/http-client';
import { startCluster } from '../helpers/redis-topology';
import { startStack, type Stack } from '../helpers/stack';
import { useResources } from '../helpers/use-resources';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const REPEATS = 50;

let receiver: CallbackReceiver;
let stack: Stack;

useResources(async (resources) => {
  const topology = await resources.use(startCluster(), (started) => started.stop());
  const authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  const identity = authority.issue('receiver', ['DNS:localhost']);
  receiver = await resources.use(CallbackReceiver.start(identity), (started) => started.stop());
  const target = { host: 'localhost', ports: [receiver.port], secrets: [SECRET], allow_private: true };
  const starting = startStack({
    redis: { isStarted: false },
    shared: { redis: topology.settings, callback: { targets: [target] } },
    routes: [{ name: 'jobs' }, { name: 'kept', config: { redis: { min_replicas: 1 } } }],
    env: { NODE_EXTRA_CA_CERTS: authority.certFile },
  });
  stack = await resources.use(starting, (started) => started.close());
});

const post = (path: string, headers: Record<string, string>, body = 'order'): Promise<HttpResponse> =>
  stack.request(path, { method: 'POST', body, headers });

// Keys and IDs are random: ten of them are on more than one node but for one time in ten thousand.
test.each(['/jobs', '/kept'])('%s: a key leads to one job, also under concurrent repeats', async (route) => {
  for (let round = 0; round < 10; round++) {
    const path = `${route}/${String(round)}`;
    const headers = { 'Idempotency-Key': randomUUID() };
    const responses = await stack.client.crowd(Array<string>(REPEATS / 10).fill(path), () => ({
      method: 'POST',
      body: 'order',
      headers,
    }));
    expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 202));
    const ids = new Set(responses.map((response) => response.header('X-Async-Kong-Id')));
    expect(ids.size).toBe(1);
    expect((await post(path, headers, 'other')).status).toBe(422);
    await stack.settled(path, [...ids][0] ?? '');
    expect(stack.upstream.callsTo(path)).toHaveLength(1);
  }
});

test('settled jobs are notified', async () => {
  const paths = Array.from({ length: 10 }, (_, index) => `/hook/${String(index)}`);
  for (const path of paths) {
    await post('/jobs/told', { 'X-Async-Callback-Url': `https://localhost:${String(receiver.port)}${path}` });
  }
  for (const path of paths) {
    const [call] = await receiver.called(path);
    new Webhook(SECRET).verify(call?.body ?? '', call?.headers as Record<string, string>);
  }
});
