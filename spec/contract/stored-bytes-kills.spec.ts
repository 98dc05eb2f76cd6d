// A process that is killed between any two Redis commands leaves a count of stored bytes that the next process corrects, or whose
// entries expire.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { purgeJob } from '../../plugins/async-request-reply/queue/purge-job';
import { QueueIndex } from '../../plugins/async-request-reply/queue/queue-index';
import { redriveJob, type RedriveContext } from '../../plugins/async-request-reply/queue/redrive-job';
import type { AccessStore } from '../../plugins/async-request-reply/accept/access-store';
import { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { takeResult } from '../../plugins/async-request-reply/access/poll/consume-result';
import { CommandHold } from '../helpers/cut-commands';
import { until } from '../helpers/until';
import {
  BODY,
  codeOf,
  HOUR,
  MINUTE,
  QUEUE,
  RESPONSE,
  type BytesSystem,
} from './stored-bytes-fixture/bytes-system';
import { useBytesFixture } from './stored-bytes-fixture/use-bytes-fixture';

/** How long a slot, and the bytes with it, are reserved for a submit that is not confirmed. */
const PROVISIONAL_MS = 30_000;

const fixture = useBytesFixture();

/** Runs a case once for each number of commands after which it can be cut off. @returns that number of cuts */
async function atEveryCut(
  make: (system: BytesSystem, commands: number) => Promise<'cut' | 'whole'>,
): Promise<number> {
  await fixture.system.submit(); // This loads the scripts into Redis.
  for (let commands = 0; ; commands++) {
    if ((await make(fixture.another(), commands)) === 'whole') return commands;
  }
}

/** Waits until the work is done or its connection is cut off. */
async function cutOff(hold: CommandHold, work: Promise<unknown>): Promise<'cut' | 'whole'> {
  work.catch(() => undefined);
  const how = await Promise.race([
    work.then(() => 'whole' as const),
    hold.holding.then(() => 'cut' as const),
  ]);
  hold.drop();
  // Commands that were already sent must not run between the assertions.
  await hold.carriedOut();
  return how;
}

test('the bytes of a killed submit expire within thirty seconds, or with the job that it created', async () => {
  const cuts = await atEveryCut(async (system, commands) => {
    const { store, hold } = system.gateway();
    await store.read((records) => records.read(newJobId()));
    hold.after(commands);
    const how = await cutOff(hold, system.submit(store));

    await system.pass(PROVISIONAL_MS);
    const listed = await system.redis.zrange(system.keys.openJobs(QUEUE), 0, '-1');
    expect(await system.total()).toBe(listed.length * BODY);
    for (const id of listed) {
      await system.run(id);
      await system.purge(id);
    }
    await system.expectNothing();
    return how;
  });
  expect(cuts).toBeGreaterThan(4);
});

test.each([1, 8])(
  'a submit that is rejected with 503 after %i commands releases its bytes',
  async (commands) => {
    const { system } = fixture;
    const { store, hold, client } = system.gateway(500);
    await client.time();
    hold.after(commands);
    expect(await codeOf(system.submit(store))).toBe('store-unavailable');
    hold.release();
    await until('the submit to be rolled back', () => store.pendingRollbackCount === 0);

    await system.expectCounted(0);
    await system.expectNothing();
  },
);

test('the next worker corrects the bytes that a killed worker leaves', async () => {
  const cuts = await atEveryCut(async (system, commands) => {
    const id = await system.submit();
    const client = system.open();
    const hold = new CommandHold(client);
    const index = new QueueIndex(client, system.keys);
    await client.time();
    hold.after(commands);
    const runJob = async (): Promise<void> => {
      const settled = await system.attempt(id, {}, new JobStore(client, system.keys));
      if (settled.kind === 'settled-now') await index.removeJob(QUEUE, id, settled);
    };
    const how = await cutOff(hold, runJob());
    client.disconnect();

    await system.redis.hset(system.keys.record(id), 'lease_until', 1);
    const found = await system.jobs.examine(id);
    await (found.kind === 'already-settled' ? system.index.removeJob(QUEUE, id, found) : system.run(id));
    expect(await system.total()).toBe(RESPONSE);
    await system.purge(id);
    await system.expectNothing();
    return how;
  });
  expect(cuts).toBeGreaterThan(3);
});

interface Operation {
  readonly operation: string;
  readonly work: (store: AccessStore, context: RedriveContext, id: string) => Promise<unknown>;
}

const operations: Operation[] = [
  { operation: 'purge', work: (_store, context, id) => purgeJob(context, id, QUEUE) },
  { operation: 'redrive', work: (_store, context, id) => redriveJob(context, id) },
  {
    operation: 'read that deletes the result',
    work: async (store, context, id) => {
      const job = await context.jobs.read(id);
      return job && takeResult(store, job, job.result ?? '', false);
    },
  },
];

test.each(operations)(
  'a purge or the TTL releases the bytes that a killed $operation leaves',
  async ({ work }) => {
    const cuts = await atEveryCut(async (system, commands) => {
      const { store, hold, client } = system.gateway();
      await system.announce();
      const id = await system.submit(store, { job: { deleteAfterRead: true } });
      await system.run(id, { keepRequest: true });
      const how = await system.administer((context) => {
        hold.after(commands);
        return cutOff(hold, work(store, context, id));
      }, client);

      expect(await system.total()).toBeLessThanOrEqual(BODY + RESPONSE);
      const { store: next } = system.gateway();
      await next.cancel({ id, queue: QUEUE });
      if (commands % 2 === 0) {
        await system.purge(id);
      } else {
        await system.pass(2 * HOUR + MINUTE);
      }
      await system.expectNothing();
      return how;
    });
    expect(cuts).toBeGreaterThan(1);
  },
);
