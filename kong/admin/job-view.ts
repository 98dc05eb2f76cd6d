// A job as the subcommands show it, without its request and response. The ID of a job without an owner gives access to
// the job, so it is shortened unless --full-ids is given.
import { loggableJobId, parseJobId } from '../../plugins/async-request-reply/jobs/job-id';
import type { AdminContext } from './admin-context';
import { ownerText } from './arguments';
import { notFound, usageError } from './report';
import { idInKey, scanKeys } from './scan';
import type { FoundJob } from './select-jobs';

/** The beginning of an ID that logs show. */
const LOGGED_ID = /^[0-9a-f-]{18,35}…?$/;

export const shownId = (id: string, owner: string, fullIds: boolean): string =>
  owner === '' && !fullIds ? loggableJobId(id) : id;

/** The same for tables, with an ellipsis if it is shortened. */
export const shownIdInTable = (id: string, owner: string, fullIds: boolean): string =>
  owner === '' && !fullIds ? `${loggableJobId(id)}…` : id;

export const timeText = (ms: number | undefined): string | undefined =>
  ms === undefined || !Number.isFinite(ms) ? undefined : new Date(ms).toISOString();

/** A job in the output of `--json`, without absent times and errors. */
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
 * Resolves a job ID from the command line: a complete one, or the beginning that logs and tables show.
 *
 * @throws CommandError if the text is not an ID, or if no job or several jobs have such an ID.
 */
export async function resolveJobId({ redis, keys }: AdminContext, text: string): Promise<string> {
  const id = parseJobId(text);
  if (id !== undefined) {
    return id;
  }
  if (!LOGGED_ID.test(text)) {
    throw usageError(
      `"${text}" is not a job ID. Use the complete ID or its first 18 characters, which logs show.`,
    );
  }
  const found = new Set<string>();
  for await (const names of scanKeys(redis, keys.record(`${text.replace('…', '')}*`))) {
    names.forEach((key) => found.add(idInKey(key)));
  }
  const [only] = found;
  if (only === undefined) {
    throw notFound(`No job has an ID that begins with ${text}.`);
  }
  if (found.size > 1) {
    throw usageError(
      `${String(found.size)} jobs have IDs that begin with ${text}. Use more characters of the ID.`,
    );
  }
  return only;
}
