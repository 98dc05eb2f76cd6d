// `jobs`: lists the newest jobs that match the filter.
import type { AdminContext } from './admin-context';
import { ownerText } from './arguments';
import { jobJson, shownIdInTable, timeText } from './job-view';
import { queueTexts } from './queue-text';
import type { Report } from './report';
import { selectJobs, type FoundJob, type JobFilter } from './select-jobs';
import { table } from './table';

interface ListOptions {
  readonly filter: JobFilter;
  readonly limit: number;
  readonly fullIds: boolean;
}

export async function listJobs(context: AdminContext, options: ListOptions): Promise<Report> {
  const { fullIds, limit } = options;
  const { jobs, more } = await newest(context, options.filter, limit);
  const texts = await queueTexts(
    context,
    jobs.map(({ record }) => record.queue),
  );
  return {
    exitCode: 0,
    json: { jobs: jobs.map((job) => jobJson(job, fullIds)), more },
    text: () =>
      jobs.length === 0
        ? 'No jobs.'
        : jobsTable(jobs, texts, fullIds) +
          (more ? `\nOnly the newest ${String(limit)} jobs are shown. There are more.` : ''),
  };
}

/** IDs sort by their time of creation. At most the limit and one window of jobs are in memory. */
async function newest(
  context: AdminContext,
  filter: JobFilter,
  limit: number,
): Promise<{ jobs: FoundJob[]; more: boolean }> {
  let kept = new Map<string, FoundJob>();
  let oldest = '';
  let more = false;
  const isNewEnough = (id: string): boolean => {
    more ||= id < oldest;
    return id >= oldest;
  };
  for await (const found of selectJobs(context, filter, isNewEnough)) {
    found.forEach((job) => kept.set(job.record.id, job));
    if (kept.size > limit) {
      more = true;
      kept = new Map([...kept].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, limit));
      oldest = [...kept.keys()].at(-1) ?? '';
    }
  }
  return { jobs: [...kept.values()].sort((a, b) => (a.record.id < b.record.id ? 1 : -1)), more };
}

const jobsTable = (jobs: readonly FoundJob[], texts: ReadonlyMap<string, string>, fullIds: boolean): string =>
  table(
    ['ID', 'QUEUE', 'STATE', 'METHOD', '>ATTEMPTS', '>STATUS', 'ERROR', 'CREATED', 'OWNER'],
    jobs.map(({ record, dead }) => [
      shownIdInTable(record.id, record.owner, fullIds),
      texts.get(record.queue) ?? record.queue,
      dead ? `${record.state} (dead)` : record.state,
      record.method,
      `${String(record.attempts)}/${String(record.maxAttempts)}`,
      record.upstreamStatus === undefined ? '-' : String(record.upstreamStatus),
      record.error?.code ?? '-',
      timeText(record.createdAt) ?? '-',
      ownerText(record.owner, fullIds),
    ]),
  );
