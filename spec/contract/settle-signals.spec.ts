// The signals of settled jobs, on a real Redis, over a connection that can be cut.
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import { openSignalClient, openWorkerClient } from '../../plugins/async-request-reply/redis/redis-client';
import { SettleSignals } from '../../plugins/async-request-reply/waiting/settle-signals';
import { resolveConfig } from '../../schemas/resolve-config';
import { newJob } from '../helpers/new-job';
import type { RedisServer } from '../helpers/redis-server';
import { startJobStore } from '../helpers/start-job-store';
import { TcpProxy } from '../helpers/tcp-proxy';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'signals';
const KEYS = new KeySpace(PREFIX);
const LONG = 60_000;

let server: RedisServer;
let wire: TcpProxy;
let jobs: JobStore;
let signals: SettleSignals;
let opened = 0;

useResources(async (resources) => void ({ server, store: jobs } = await startJobStore(PREFIX, resources)));

beforeEach(async () => {
  wire = await TcpProxy.start(server.port);
  opened = 0;
  signals = new SettleSignals(() => {
    opened += 1;
    return openSignalClient(resolveConfig({ redis: { port: wire.port } }).redis, () => undefined);
  });
});

afterEach(async () => {
  signals.close();
  await wire.close();
});

async function queued(change: Partial<NewJob> = {}): Promise<string> {
  const job = newJob({ deadlineMs: LONG, resultTtlMs: LONG, openTtlMs: LONG, ...change });
  await jobs.create(job);
  return job.id;
}

class Ear {
  settles = 0;
  listens = 0;
  readonly stop: () => void;

  constructor(id: string) {
    this.stop = signals.listen(KEYS.settledChannel(id), {
      settled: () => void (this.settles += 1),
      listening: () => void (this.listens += 1),
    });
  }
}

/** A listener whose subscription has started. */
async function listen(id: string): Promise<Ear> {
  const ear = new Ear(id);
  await until('the subscription', () => ear.listens > 0);
  return ear;
}

const channels = async (): Promise<unknown> => server.command('PUBSUB', 'SHARDCHANNELS');

async function start(id: string): Promise<void> {
  expect(await jobs.start(id, 't', LONG)).toMatchObject({ kind: 'leased' });
}

describe('a settled job is signalled', () => {
  test.each<[string, (id: string) => Promise<unknown>]>([
    [
      'when it completes',
      async (id) => {
        await start(id);
        await jobs.settle(id, 't', { outcome: 'completed' });
      },
    ],
    [
      'when it fails',
      async (id) => {
        await start(id);
        await jobs.settle(id, 't', { outcome: 'failed', error: { code: 'upstream-failed', detail: '' } });
      },
    ],
    ['when it is cancelled while it waits', (id) => jobs.cancel(id)],
    [
      'when it is cancelled while it runs',
      async (id) => {
        await start(id);
        await jobs.cancel(id);
        await jobs.settle(id, 't', { outcome: 'completed' });
      },
    ],
  ])('%s', async (_how, settle) => {
    const id = await queued();
    const ear = await listen(id);
    await settle(id);
    await until('the message', () => ear.settles > 0);
    expect(ear.settles).toBe(1);
  });

  test('when the sweeper finds it past its deadline', async () => {
    const id = await queued({ deadlineMs: 1 });
    const ear = await listen(id);
    await until('the deadline', async () => (await jobs.examine(id)).kind === 'settled-now');
    await until('the message', () => ear.settles > 0);
  });

  test('to all of its listeners, and to those of no other job', async () => {
    const [id, other] = [await queued(), await queued()];
    const ears = [await listen(id), await listen(id), await listen(other)];
    await jobs.cancel(id);
    await until('the messages', () => ears[0]?.settles === 1 && ears[1]?.settles === 1);
    expect(ears[2]?.settles).toBe(0);
    expect(opened).toBe(1);
  });

  test('but settles without a signal if the ACL forbids its user the channel', async () => {
    await server.command('ACL', 'SETUSER', 'mute', 'on', '>p', '~*', '+@all', 'resetchannels');
    const settings = resolveConfig({ redis: { port: server.port, username: 'mute', password: 'p' } }).redis;
    const muted = openWorkerClient(settings, () => undefined);
    const id = await queued();
    expect(await new JobStore(muted, KEYS).cancel(id)).toMatchObject({ kind: 'settled-now' });
    muted.disconnect();
  });
});

test('no connection is opened before the first listener, and one for all listeners', async () => {
  expect(opened).toBe(0);
  const ears = await Promise.all(Array.from({ length: 20 }, async () => listen(await queued())));
  expect(opened).toBe(1);
  expect(await channels()).toHaveLength(20);
  ears.forEach((ear) => ear.stop());
  await until('the subscriptions to end', async () => ((await channels()) as string[]).length === 0);
});

test('a subscription is kept until its last listener stops', async () => {
  const id = await queued();
  const [first, last] = [await listen(id), await listen(id)];
  first.stop();
  first.stop();
  await jobs.cancel(id);
  await until('the message', () => last.settles === 1);
  expect(first.settles).toBe(0);
});

test('a lost connection is reopened, and every listener is notified that messages arrive again', async () => {
  const ids = [await queued(), await queued()];
  const ears = await Promise.all(ids.map(listen));
  await wire.close();
  // Nobody hears this one.
  await jobs.cancel(ids[0] ?? '');
  await wire.open();
  await until('the listeners to be told', () => ears.every(({ listens }) => listens === 2));
  expect(ears[0]?.settles).toBe(0);
  await jobs.cancel(ids[1] ?? '');
  await until('the message', () => ears[1]?.settles === 1);
});

test('a listener that starts while the connection is down is notified when it is back', async () => {
  const first = await listen(await queued());
  await wire.close();
  const id = await queued();
  const ear = new Ear(id);
  const gone = new Ear(await queued());
  gone.stop();
  await wire.open();
  await until('the subscription', () => ear.listens > 0 && first.listens === 2);
  await jobs.cancel(id);
  await until('the message', () => ear.settles === 1);
  expect(gone.listens).toBe(0);
});

test('a listener that stops and starts again at once receives later signals', async () => {
  const id = await queued();
  const ear = await listen(id);
  ear.stop();
  const again = await listen(id);
  await jobs.cancel(id);
  await until('the message', () => again.settles === 1);
});
