// A job as the subcommands show it. Neither its request nor its response is part of it, and the ID of a job that
// belongs to nobody, which is the credential for it, only in full where that was asked for.
import { loggableJobId, parseJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { AdminContext } from './admin-context';
import { ownerText } from './arguments';
import { notFound, usageError } from './report';
import { idInKey, scanKeys } from './scan';
import type { FoundJob } from './select-jobs';

/** As much of an ID as logs show of it. */
const LOGGED_ID = /^[0-9a-f-]{18,35}…?$/;

export const shownId = (id: string, owner: string, fullIds: boolean): string =>
  owner === '' && !fullIds ? loggableJobId(id) : id;

/** The same for tables, where what is left out is marked. */
export const shownIdInTable = (id: string, owner: string, fullIds: boolean): string =>
  owner === '' && !fullIds ? `${loggableJobId(id)}…` : id;

export const timeText = (ms: number | undefined): string | undefined =>
  ms === undefined || !Number.isFinite(ms) ? undefined : new Date(ms).toISOString();

/** Members that `--json` has of each job; absent times and errors are left out. */
export function jobJson({ record, dead }: FoundJob, fullIds: boolean): Record<string, unknown> {
  return {
    id: shownId(record.id, record.owner, fullIds),
    queue: record.queue,
    state: record.state,
    dead,
    owner: ownerText(record.owner, fullIds),
    method: record.method,
    attempts: record.attempts,
    max_attempts: record.maxAttempts,
    repeatable: record.repeatable,
    created_at: timeText(record.createdAt),
    started_at: timeText(record.startedAt),
    settled_at: timeText(record.settledAt),
    deadline_at: timeText(record.deadlineAt),
    expires_at: timeText(record.expiresAt),
    upstream_status: record.upstreamStatus,
    error: record.error && {
      code: record.error.code,
      detail: record.error.detail,
      proxy_error: record.error.proxyError,
    },
  };
}

/**
 * The ID that a person gave: in full, or as much of it as logs and tables show.
 *
 * @throws CommandError for what is no ID, and where several jobs or none begin so.
 */
export async function resolveJobId({ redis, keys }: AdminContext, text: string): Promise<string> {
  const id = parseJobId(text);
  if (id !== undefined) {
    return id;
  }
  if (!LOGGED_ID.test(text)) {
    throw usageError(`"${text}" is no job ID. Give all of it, or the first 18 characters that logs show.`);
  }
  const found = new Set<string>();
  for await (const names of scanKeys(redis, keys.record(`${text.replace('…', '')}*`))) {
    names.forEach((key) => found.add(idInKey(key)));
  }
  const [only] = found;
  if (only === undefined) {
    throw notFound(`No job's ID begins with ${text}.`);
  }
  if (found.size > 1) {
    throw usageError(`${String(found.size)} jobs have IDs that begin with ${text}: give more of it.`);
  }
  return only;
}
