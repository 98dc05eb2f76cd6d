// The replies of the access side, and the header fields that they have in common. Replies that replay a stored response are made
// in poll/.
import { AsyncError } from '../errors/async-error';
import { problemReply } from '../errors/problem-reply';
import { OWN_ANSWER_FIELDS, type HeaderField, type Reply, type ShortReply } from '../http/reply';
import type { AccessStore } from '../accept/access-store';
import type { JobRecord } from '../jobs/job-record';
import { statusBody } from '../jobs/status-body';
import type { QueueProgress } from '../queue/queue-outcomes';
import type { RouteContext } from './access-context';
import type { JobLinks } from './job-links';
import { retryAfterSeconds } from './retry-after';
import type { RouteSettings } from './route/route-settings';

/** The value of `Vary`: the request fields that decide what happens to a request. */
export const varyValue = (settings: RouteSettings): string => `${settings.idHeader}, Prefer`;

/** The ID and `Vary`, for replays: their Cache-Control is the upstream's. */
export function jobFields(settings: RouteSettings, id?: string): HeaderField[] {
  const vary: HeaderField = ['Vary', varyValue(settings)];
  return id === undefined ? [vary] : [[settings.idHeader, id], vary];
}

/** The fields of every reply that the plugin makes itself. */
export const jobHeaders = (settings: RouteSettings, id?: string): HeaderField[] => [
  ...jobFields(settings, id),
  ...OWN_ANSWER_FIELDS,
];

interface StatusReplyOptions {
  readonly status: number;
  readonly job: JobRecord;
  /** Undefined if the job has no addresses. */
  readonly links: JobLinks | undefined;
  /** Further fields: `Location`, `Preference-Applied`, `Retry-After`. */
  readonly headers?: readonly HeaderField[] | undefined;
  /** 1 is next. */
  readonly queuePosition?: number | undefined;
}

/** A reply whose body is the status of the job. */
export const statusReply = (
  settings: RouteSettings,
  { status, job, links, headers = [], queuePosition }: StatusReplyOptions,
): Reply => ({
  status,
  headers: [...jobHeaders(settings, job.id), ...headers, ['Content-Type', 'application/json']],
  body: statusBody(job, links, queuePosition),
});

/** The reply about a job that has not settled: its status with `Retry-After`. The status code is 202, or 200 at the status URL. */
export async function pendingReply(
  { settings, store }: RouteContext,
  { status, job, links, headers: more = [] }: Omit<StatusReplyOptions, 'queuePosition'>,
): Promise<Reply> {
  const progress = job.state !== 'running' ? await progressIfKnown(job, store) : undefined;
  const headers: HeaderField[] = [
    ['Retry-After', String(retryAfterSeconds(job, settings.retryAfterSeconds, progress, Date.now()))],
    ...more,
  ];
  return statusReply(settings, { status, job, links, headers, queuePosition: progress?.position });
}

/** The record has been read already: progress that cannot be read is left out of the reply. */
const progressIfKnown = (job: JobRecord, store: AccessStore): Promise<QueueProgress | undefined> =>
  store.queueProgress(job).catch(() => undefined);

/**
 * The reply of `work`, or the problem that it threw, with the ID of the job, which this caller may see. Errors of the server
 * (5xx) are thrown on.
 */
export async function withJobId(
  id: string,
  settings: RouteSettings,
  work: () => Promise<Reply>,
): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AsyncError && error.status < 500) {
      return problemReply(error, jobHeaders(settings, id));
    }
    throw error;
  }
}

/** The reply after an unexpected error of the plugin: the client learns nothing about it. */
export const internalErrorReply = (): ShortReply =>
  problemReply(
    new AsyncError('internal-error', { detail: 'The request could not be handled.' }),
    OWN_ANSWER_FIELDS,
  );

/** The reply to a request for a plugin instance that was closed long ago. */
export const restartingReply = (): ShortReply =>
  problemReply(
    new AsyncError('plugin-restarting', {
      detail: 'The gateway is loading a new configuration. Send the request again.',
      retryAfterSeconds: 1,
    }),
    OWN_ANSWER_FIELDS,
  );

/** The name of this proxy in `Proxy-Status` (RFC 9209): it reveals nothing about the machine. */
const PROXY = 'async-request-reply';

/** Error types (RFC 9209, 2.3) for failures of which no attempt has recorded one, by the code of the problem. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  'upstream-timeout': 'http_response_timeout',
  'bad-response': 'http_protocol_error',
  'response-too-large': 'http_response_body_size',
  'internal-error': 'proxy_internal_error',
  'request-unreadable': 'proxy_internal_error',
};

/** The `Proxy-Status` field of a failed job; no field for any other job. */
export function proxyStatus(job: JobRecord): HeaderField[] {
  if (job.state !== 'failed') {
    return [];
  }
  // A lost worker loses its connection to the upstream, too.
  return [proxyError(job.error?.proxyError ?? ERROR_TYPES[job.error?.code ?? ''] ?? 'connection_terminated')];
}

export const proxyError = (errorType: string): HeaderField => [
  'Proxy-Status',
  `${PROXY}; error=${errorType}`,
];
