// `redrive`: runs dead letters again, one by its ID or all of a queue.
import type { JobRecord } from '../../plugins/async-request-reply/jobs/job-record';
import { knownQueues } from '../../plugins/async-request-reply/queue/queue-registry';
import { redriveJob, type RedriveJobOutcome } from '../../plugins/async-request-reply/queue/redrive-job';
import { counted } from '../process/counted';
import type { AdminContext } from './admin-context';
import { planned, type Consent } from './consent';
import { resolveJobId, shownId, shownIdInTable } from './job-view';
import { notFound, type Report } from './report';
import { scanMembers } from './scan';
import { findJob } from './select-jobs';

/** Jobs that are redriven at the same time: they keep the connection busy without delaying submits. */
const CONCURRENCY = 16;

export async function redriveOne(
  context: AdminContext,
  text: string,
  consent: Consent,
  fullIds: boolean,
): Promise<Report> {
  const id = await resolveJobId(context, text);
  const job = await findJob(context, id);
  if (job === undefined) {
    throw notFound('No such job.');
  }
  const { owner, state } = job.record;
  const name = shownIdInTable(id, owner, fullIds);
  if (!consent.isGiven && job.dead) {
    const { upstreamStatus, error } = job.record;
    const json = {
      id: shownId(id, owner, fullIds),
      state,
      upstream_status: upstreamStatus,
      error: error?.code,
    };
    return planned(consent, json, `redrive job ${name} (${lastRun(job.record)})`);
  }
  const outcome: RedriveJobOutcome = consent.isGiven
    ? await redriveJob(context, id)
    : { kind: 'not-dead', state };
  if (outcome.kind === 'missing') {
    throw notFound('The job no longer exists.');
  }
  const done = outcome.kind === 'redriven' || outcome.kind === 'resumed';
  return {
    exitCode: done ? 0 : 1,
    json: { id: shownId(id, owner, fullIds), outcome: outcome.kind },
    text: () => sentence(name, outcome),
  };
}

/** Why a job is a dead letter. `completed` means only that it has a response. */
const lastRun = ({ state, upstreamStatus, error }: JobRecord): string =>
  state === 'completed'
    ? `last response: ${String(upstreamStatus)}`
    : `${state}${error === undefined ? '' : `: ${error.code}`}`;

function sentence(name: string, outcome: RedriveJobOutcome): string {
  switch (outcome.kind) {
    case 'redriven':
      return `Job ${name} is queued again.`;
    case 'resumed':
      return `Job ${name} was partly redriven before. The redrive is complete now.`;
    case 'not-dead':
      return `Job ${name} is not a dead letter: ${outcome.state}.`;
    case 'settings-gone':
      return `Job ${name} cannot run because the settings with which it was accepted no longer exist.`;
    case 'newer':
      return `Job ${name} was written by a newer version of this program. Use that version.`;
    case 'missing':
      return `Job ${name} no longer exists.`;
  }
}

export async function redriveQueue(context: AdminContext, queue: string, consent: Consent): Promise<Report> {
  const { redis, keys } = context;
  const key = keys.deadLetters(queue);
  if (!(await knownQueues(context.redis, context.keys)).includes(queue) && (await redis.exists(key)) === 0) {
    throw notFound(`No such queue: "${queue}".`);
  }
  const counts = new Map<RedriveJobOutcome['kind'] | 'dead', number>();
  const count = (kind: RedriveJobOutcome['kind'] | 'dead'): void =>
    void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for await (const ids of scanMembers(redis, key)) {
    for (let at = 0; at < ids.length; at += CONCURRENCY) {
      const part = ids.slice(at, at + CONCURRENCY);
      if (consent.isGiven) {
        const outcomes = await Promise.all(part.map((id) => redriveJob(context, id)));
        outcomes.forEach(({ kind }) => count(kind));
      } else {
        const jobs = await Promise.all(part.map((id) => findJob(context, id)));
        jobs.filter((job) => job !== undefined).forEach(() => count('dead'));
      }
    }
  }
  return queueReport(queue, counts, consent);
}

function queueReport(queue: string, counts: ReadonlyMap<string, number>, consent: Consent): Report {
  const of = (kind: RedriveJobOutcome['kind'] | 'dead'): number => counts.get(kind) ?? 0;
  if (!consent.isGiven && of('dead') > 0) {
    const json = { queue, redrive: of('dead') };
    return planned(consent, json, `redrive ${counted(of('dead'), 'dead letter')} of queue ${queue}`);
  }
  const stuck = of('settings-gone') + of('newer');
  const lapsed = of('missing') + of('not-dead');
  const redriven = of('redriven') + of('resumed');
  return {
    exitCode: stuck === 0 ? 0 : 1,
    json: { queue, redriven, skipped: lapsed, settings_gone: of('settings-gone'), newer: of('newer') },
    text: () =>
      [
        `${counted(redriven, `dead letter of queue ${queue} is`, `dead letters of queue ${queue} are`)} queued again.`,
        ...(lapsed > 0 ? [`${counted(lapsed, 'job', 'jobs')} skipped: no longer a dead letter.`] : []),
        ...(stuck > 0
          ? [`${counted(stuck, 'dead letter')} cannot run. Redrive one by its ID to see the reason.`]
          : []),
      ].join('\n'),
  };
}
