// `purge`: deletes settled jobs with all their data. With --force it also cancels and deletes open jobs.
import { isSettled, type JobState } from '../../plugins/async-request-reply/jobs/job-record';
import { knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import { purgeJob } from '../../plugins/async-request-reply/queue/purge-job';
import { counted } from '../process/counted';
import type { AdminContext } from './admin-context';
import { planned, type Consent } from './consent';
import { queueTexts } from './queue-text';
import type { Report } from './report';
import { scanMembers } from './scan';
import { selectJobs, type FoundJob, type JobFilter } from './select-jobs';
import { table } from './table';

/** Jobs that are deleted at the same time. */
const CONCURRENCY = 16;

/** How long to wait for a worker to end a cancelled call. It is notified at once, or learns of it at its next renewal. */
const CANCEL_WAIT_MS = 20_000;
const CANCEL_CHECK_MS = 100;

/** The states that are purged if none is given. `--force` also allows the others. */
export const SETTLED_STATES: readonly JobState[] = ['completed', 'failed', 'cancelled', 'expired'];

type Fate = 'purged' | 'gone' | 'still-open' | 'newer';

export async function purge(
  context: AdminContext,
  filter: JobFilter,
  force: boolean,
  consent: Consent,
): Promise<Report> {
  const groups = new Map<string, number>();
  const fates: Record<Fate, number> = { purged: 0, gone: 0, 'still-open': 0, newer: 0 };
  const seen = new Set<string>();
  for await (const found of selectJobs(context, filter, (id) => !seen.has(id))) {
    const jobs = found.filter(({ record }) => force || isSettled(record.state));
    for (let at = 0; at < jobs.length; at += CONCURRENCY) {
      const part = jobs.slice(at, at + CONCURRENCY);
      if (consent.isGiven) {
        (await Promise.all(part.map((job) => remove(context, job)))).forEach((fate) => (fates[fate] += 1));
      } else {
        part.forEach((job) => count(groups, seen, job));
      }
    }
  }
  if (!consent.isGiven) {
    return plan(context, groups, consent);
  }
  await tidyDeadLetters(context, filter.queue);
  return {
    exitCode: fates['still-open'] + fates.newer === 0 ? 0 : 1,
    json: { done: true, purged: fates.purged, still_open: fates['still-open'], newer: fates.newer },
    text: () => purgedText(fates),
  };
}

function purgedText(fates: Readonly<Record<Fate, number>>): string {
  const lines = [`${counted(fates.purged, 'job was', 'jobs were')} purged.`];
  const open = fates['still-open'];
  if (open > 0) {
    const jobs = counted(
      open,
      'job is being cancelled and still runs',
      'jobs are being cancelled and still run',
    );
    lines.push(`${jobs}. Purge again later.`);
  }
  if (fates.newer > 0) {
    lines.push(`${counted(fates.newer, 'job was', 'jobs were')} written by a newer version and skipped.`);
  }
  return lines.join('\n');
}

/** A scan may return a job twice. The plan counts it once. */
function count(groups: Map<string, number>, seen: Set<string>, { record, dead }: FoundJob): void {
  if (!seen.has(record.id)) {
    seen.add(record.id);
    const group = JSON.stringify([record.queue, record.state, dead]);
    groups.set(group, (groups.get(group) ?? 0) + 1);
  }
}

async function plan(
  context: AdminContext,
  groups: ReadonlyMap<string, number>,
  consent: Consent,
): Promise<Report> {
  const parts = [...groups].map(([group, jobs]) => {
    const [queue, state, dead] = JSON.parse(group) as [string, JobState, boolean];
    return { queue, state, dead, jobs };
  });
  const total = parts.reduce((sum, { jobs }) => sum + jobs, 0);
  if (total === 0) {
    return {
      exitCode: 0,
      json: { would: { purge: 0, groups: [] }, done: false },
      text: () => 'Nothing to purge.',
    };
  }
  const texts = await queueTexts(
    context,
    parts.map(({ queue }) => queue),
  );
  const rows = parts.map(({ queue, state, dead, jobs }) => [
    texts.get(queue) ?? queue,
    dead ? `${state} (dead)` : state,
    String(jobs),
  ]);
  return planned(
    consent,
    { purge: total, groups: parts },
    `purge ${counted(total, 'job')}`,
    table(['QUEUE', 'STATE', '>JOBS'], rows.sort()),
  );
}

async function remove(context: AdminContext, { record }: FoundJob): Promise<Fate> {
  if (!isSettled(record.state)) {
    const { kind } = await context.access.cancel(record);
    if (kind === 'cancelling' && !(await settles(context, record.id))) {
      return 'still-open';
    }
  }
  const outcome = await purgeJob(context, record.id, record.queue);
  switch (outcome.kind) {
    case 'purged':
    case 'newer':
      return outcome.kind;
    case 'open':
      return 'still-open';
    case 'missing':
      return 'gone';
  }
}

async function settles(context: AdminContext, id: string): Promise<boolean> {
  const until = performance.now() + CANCEL_WAIT_MS;
  while (performance.now() < until) {
    const record = await context.jobs.read(id);
    if (record === undefined || isSettled(record.state)) {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, CANCEL_CHECK_MS));
  }
  return false;
}

/** Removes IDs without a record from the lists of dead letters: an interrupted purge leaves them. */
async function tidyDeadLetters(context: AdminContext, only: string | undefined): Promise<void> {
  const { redis, keys, index } = context;
  for (const queue of only === undefined ? await knownQueues(context.redis, context.keys) : [only]) {
    for await (const ids of scanMembers(redis, keys.deadLetters(queue))) {
      const known = await Promise.all(ids.map((id) => redis.exists(keys.record(id))));
      await Promise.all(
        ids.filter((_id, at) => known[at] === 0).map((id) => index.removeDeadLetter(queue, id)),
      );
    }
  }
}
