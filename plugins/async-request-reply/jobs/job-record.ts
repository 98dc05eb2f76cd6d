// The record of a job: the hash `PREFIX:{ID}:job` in Redis. Scripts change it (jobs/job-scripts.ts); this module reads it.
//
//   queued ──start──▶ running ──settle──▶ completed | failed | cancelled
//     │                 │  ▲
//     │               retry│start
//     │                 ▼  │
//     │              retrying ──deadline──▶ completed (last response) | failed | expired
//     │                     └──cancel──▶ cancelled
//     ├──cancel──▶ cancelled
//     └──deadline──▶ expired
//
// A running job whose lease has expired waits for another attempt if the call may be repeated. Else it settles as `failed` with
// `outcome-unknown`.

export const JOB_STATES = [
  'queued',
  'running',
  'retrying',
  'completed',
  'failed',
  'cancelled',
  'expired',
] as const;

export type JobState = (typeof JOB_STATES)[number];
export type SettledState = Extract<JobState, 'completed' | 'failed' | 'cancelled' | 'expired'>;

/** The layout of records and payloads that this program writes; a record with a higher version is left to newer programs. */
export const RECORD_VERSION = 1;

/** Why a job has no response, or why its last attempt had none. */
export interface JobError {
  /** A code of errors/problem-catalog.ts. */
  readonly code: string;
  readonly detail: string;
  /** The error type for `Proxy-Status` (RFC 9209, 2.3), if the upstream is the cause. */
  readonly proxyError?: string | undefined;
}

/** Times are milliseconds since 1970 by the clock of Redis. */
export interface JobRecord {
  readonly id: string;
  readonly version: number;
  readonly queue: string;
  readonly state: JobState;
  /** As the client sent it. */
  readonly method: string;
  /** A tag of access/owner.ts; '' if the client is not known. */
  readonly owner: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Whether an attempt that may have reached the upstream may be followed by another. */
  readonly repeatable: boolean;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly settledAt: number | undefined;
  readonly deadlineAt: number;
  /** No attempt starts before: the requested start time, or the end of the delay after an attempt. */
  readonly notBefore: number;
  /** When the lease of the running attempt expires; 0 if none runs. */
  readonly leaseUntil: number;
  /** When record and result expire. */
  readonly expiresAt: number;
  readonly upstreamStatus: number | undefined;
  readonly error: JobError | undefined;
  /** Content hash of the settings that the job was accepted under. */
  readonly settingsHash: string;
  /** Which of the stored responses is the result: `RUN.ATTEMPT`; undefined if there is none. */
  readonly result: string | undefined;
  /** Whether the result can be read only once. */
  readonly deleteAfterRead: boolean;
  /** When it was read, if it can be read only once. */
  readonly readAt: number | undefined;
  /** Length of the request's body, whether it is still stored or not. */
  readonly requestBytes: number;
  /** A dead letter: it keeps its request and can be redriven. */
  readonly isDead: boolean;
  /** Length of the result's body; 0 if there is none. */
  readonly resultBytes: number;
  /** Whether a callback reports the settled job. */
  readonly hasCallback: boolean;
}

export const isSettled = (state: JobState): state is SettledState =>
  state === 'completed' || state === 'failed' || state === 'cancelled' || state === 'expired';

const isJobState = (text: string): text is JobState => (JOB_STATES as readonly string[]).includes(text);

const optionalNumber = (text: string | undefined): number | undefined =>
  text === undefined || text === '' ? undefined : Number(text);

/**
 * Reads the fields of a record's hash.
 *
 * @returns undefined if there is no record, or if it cannot be read: callers treat the two alike.
 */
export function parseJobRecord(id: string, fields: Readonly<Record<string, string>>): JobRecord | undefined {
  const state = fields['state'];
  if (state === undefined || !isJobState(state)) {
    return undefined;
  }
  const errorCode = fields['error_code'];
  return {
    id,
    version: Number(fields['v']),
    queue: fields['queue'] ?? '',
    state,
    method: fields['method'] ?? '',
    owner: fields['owner'] ?? '',
    attempts: Number(fields['attempts']),
    maxAttempts: Number(fields['max_attempts']),
    repeatable: fields['repeatable'] === '1',
    createdAt: Number(fields['created_at']),
    startedAt: optionalNumber(fields['started_at']),
    settledAt: optionalNumber(fields['settled_at']),
    deadlineAt: Number(fields['deadline_at']),
    notBefore: Number(fields['not_before'] ?? 0),
    leaseUntil: Number(fields['lease_until'] ?? 0),
    expiresAt: Number(fields['expires_at']),
    upstreamStatus: optionalNumber(fields['upstream_status']),
    error:
      errorCode === undefined || errorCode === ''
        ? undefined
        : {
            code: errorCode,
            detail: fields['error_detail'] ?? '',
            proxyError: fields['error_proxy'] === '' ? undefined : fields['error_proxy'],
          },
    settingsHash: fields['settings'] ?? '',
    result: fields['result'] === '' ? undefined : fields['result'],
    deleteAfterRead: fields['delete_after_read'] === '1',
    readAt: optionalNumber(fields['read_at']),
    requestBytes: Number(fields['request_bytes'] ?? 0),
    isDead: fields['dead'] === '1',
    resultBytes: Number(fields['result_bytes'] ?? 0),
    hasCallback: (fields['callback'] ?? '') !== '',
  };
}
