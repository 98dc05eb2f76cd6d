// Attempts that never reached the upstream are counted apart from those that did, against a real Redis.
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const LONG = 60_000;
const UNREACHED = { outcome: 'retry', delayMs: 0, connectAttempts: 2 } as const;
const REACHED = { outcome: 'retry', delayMs: 0 } as const;

let store: JobStore;

useResources(async (resources) => void ({ store } = await startJobStore('unreached', resources)));

async function queued(maxAttempts: number): Promise<string> {
  const id = newJobId();
  await store.create({
    id,
    queue: 'q',
    owner: '',
    settingsHash: 's',
    body: Buffer.alloc(0),
    repeatable: false,
    maxAttempts,
    delayMs: 0,
    deadlineMs: LONG,
    resultTtlMs: LONG,
    openTtlMs: 4 * LONG,
    request: { method: 'POST', path: '/', target: { scheme: 'http', host: 'h', port: 1 }, headers: [] },
  });
  return id;
}

test('attempts that do not reach the upstream do not count as attempts', async () => {
  const id = await queued(1);
  await store.start(id, 'first', LONG);
  expect(await store.settle(id, 'first', UNREACHED)).toMatchObject({ kind: 'retrying' });
  expect(await store.start(id, 'second', LONG)).toMatchObject({ kind: 'leased', record: { attempts: 2 } });
  expect(await store.settle(id, 'second', REACHED)).toMatchObject({ kind: 'settled-now', state: 'failed' });
});

test('connect_attempts ends a job, and the count starts again in its next run', async () => {
  const id = await queued(20);
  for (const run of ['first', 'second']) {
    await store.start(id, `${run}, 1`, LONG);
    expect(await store.settle(id, `${run}, 1`, UNREACHED)).toMatchObject({ kind: 'retrying' });
    await store.start(id, `${run}, 2`, LONG);
    expect(await store.settle(id, `${run}, 2`, UNREACHED)).toMatchObject({
      kind: 'settled-now',
      state: 'failed',
    });
    expect(await store.redrive(id)).toMatchObject({ kind: 'redriven' });
  }
});
