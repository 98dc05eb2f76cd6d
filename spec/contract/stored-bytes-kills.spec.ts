// The bytes that a queue stores are set right by whoever comes after somebody who was killed between any two commands, or
// go by themselves.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { purgeJob } from '../../plugins/async-request-reply/queue/purge-job';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { redriveJob, type RedriveContext } from '../../plugins/async-request-reply/queue/redrive-job';
import type { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { openJobsKey, recordKey } from '../../plugins/async-request-reply/redis/keys';
import { takeResult } from '../../plugins/async-request-reply/access/poll/consume-result';
import { CommandHold } from '../helpers/cut-commands';
import { until } from '../helpers/until';
import { BODY, codeOf, HOUR, MINUTE, QUEUE, RESPONSE, type BytesLab } from './stored-bytes-kit/bytes-lab';
import { useBytesLab } from './stored-bytes-kit/use-bytes-lab';

/** How long a place, and the bytes with it, are held for a submit that is not confirmed. */
const PROVISIONAL_MS = 30_000;

const stage = useBytesLab();

/** Runs a case once for each number of commands after which it can be cut off; says how many those were. */
async function atEveryCut(
  make: (lab: BytesLab, commands: number) => Promise<'cut' | 'whole'>,
): Promise<number> {
  await stage.lab.submit(); // Scripts are there.
  for (let commands = 0; ; commands++) {
    if ((await make(stage.another(), commands)) === 'whole') return commands;
  }
}

/** What a program on a connection of its own does, until it is cut off. */
async function cutOff(hold: CommandHold, work: Promise<unknown>): Promise<'cut' | 'whole'> {
  work.catch(() => undefined);
  const how = await Promise.race([
    work.then(() => 'whole' as const),
    hold.holding.then(() => 'cut' as const),
  ]);
  hold.drop();
  // What it had sent is not to come between the looks at what it left.
  await hold.carriedOut();
  return how;
}

test('a submit leaves bytes that go within thirty seconds, or with the job that it made', async () => {
  const cuts = await atEveryCut(async (lab, commands) => {
    const { store, hold } = lab.gateway();
    await store.read((records) => records.read(newJobId()));
    hold.after(commands);
    const how = await cutOff(hold, lab.submit(store));

    await lab.pass(PROVISIONAL_MS);
    const listed = await lab.redis.zrange(openJobsKey(lab.prefix, QUEUE), 0, -1);
    expect(await lab.total()).toBe(listed.length * BODY);
    for (const id of listed) {
      await lab.run(id);
      await lab.purge(id);
    }
    await lab.expectNothing();
    return how;
  });
  expect(cuts).toBeGreaterThan(4);
});

test.each([1, 8])(
  'a submit that was answered 503 after %i commands gives its bytes back',
  async (commands) => {
    const { lab } = stage;
    const { store, hold, client } = lab.gateway(500);
    await client.time();
    hold.after(commands);
    expect(await codeOf(lab.submit(store))).toBe('store-unavailable');
    hold.release();
    await until('the submit to be taken back', () => store.pendingRollbackCount === 0);

    await lab.expectCounted(0);
    await lab.expectNothing();
  },
);

test('a worker leaves bytes that whoever comes after it sets right', async () => {
  const cuts = await atEveryCut(async (lab, commands) => {
    const id = await lab.submit();
    const client = lab.open();
    const hold = new CommandHold(client);
    const index = new QueueIndex(client, lab.prefix);
    await client.time();
    hold.after(commands);
    const turn = async (): Promise<void> => {
      const settled = await lab.attempt(id, {}, new JobStore(client, lab.prefix));
      if (settled.kind === 'settled-now') await index.removeJob(QUEUE, id, settled);
    };
    const how = await cutOff(hold, turn());
    client.disconnect();

    await lab.redis.hset(recordKey(lab.prefix, id), 'lease_until', 1);
    const found = await lab.jobs.examine(id);
    await (found.kind === 'already-settled' ? lab.index.removeJob(QUEUE, id, found) : lab.run(id));
    expect(await lab.total()).toBe(RESPONSE);
    await lab.purge(id);
    await lab.expectNothing();
    return how;
  });
  expect(cuts).toBeGreaterThan(3);
});

test.each<[string, (store: AccessStore, part: RedriveContext, id: string) => Promise<unknown>]>([
  ['a purge', (_store, part, id) => purgeJob(part, id, QUEUE)],
  ['a redrive', (_store, part, id) => redriveJob(part, id)],
  [
    'the one read of a result',
    async (store, part, id) => {
      const job = await part.jobs.read(id);
      return job && takeResult(store, job, job.result ?? '', false);
    },
  ],
])('%s leaves bytes that a purge gives back, or that go with the job', async (_what, work) => {
  const cuts = await atEveryCut(async (lab, commands) => {
    const { store, hold, client } = lab.gateway();
    await lab.announce();
    const id = await lab.submit(store, { job: { deleteAfterRead: true } });
    await lab.run(id, { keepRequest: true });
    const how = await lab.administer((part) => {
      hold.after(commands);
      return cutOff(hold, work(store, part, id));
    }, client);

    expect(await lab.total()).toBeLessThanOrEqual(BODY + RESPONSE);
    const { store: next } = lab.gateway();
    await next.cancel({ id, queue: QUEUE, owner: '' });
    if (commands % 2 === 0) {
      await lab.purge(id);
    } else {
      await lab.pass(2 * HOUR + MINUTE);
    }
    await lab.expectNothing();
    return how;
  });
  expect(cuts).toBeGreaterThan(1);
});
