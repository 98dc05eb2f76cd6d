// Every problem that a client can get from the plugin: its stable code, HTTP status and title.
// Each has a page in docs/problems/ under its code.

interface Problem {
  readonly status: number;
  readonly title: string;
}

export const PROBLEMS = {
  'ambiguous-id': { status: 400, title: 'More than one job ID' },
  'identity-required': { status: 401, title: 'Authentication required' },
  'handoff-refused': { status: 403, title: 'No valid handoff' },
  'loopback-refused': { status: 403, title: 'No valid loopback token' },
  'loopback-late': { status: 503, title: 'Loopback token came too late' },
  'not-found': { status: 404, title: 'No such job' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'already-settled': { status: 409, title: 'The job has already settled' },
  cancelled: { status: 410, title: 'The job was cancelled' },
  'already-read': { status: 410, title: 'The result was read already' },
  gone: { status: 410, title: 'The job is gone' },
  'invalid-priority': { status: 400, title: 'Invalid priority' },
  'invalid-start-time': { status: 400, title: 'Invalid start time' },
  'invalid-header': { status: 400, title: 'Invalid header field' },
  'idempotency-key-required': { status: 400, title: 'An idempotency key is required' },
  'idempotency-key-invalid': { status: 400, title: 'Invalid idempotency key' },
  'idempotency-key-too-short': { status: 400, title: 'The idempotency key is too short' },
  'idempotency-key-reused': { status: 422, title: 'The idempotency key was used with another request' },
  'validation-failed': { status: 400, title: 'The request does not match its schema' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  'validation-timeout': { status: 503, title: 'The request could not be checked in time' },
  'invalid-callback-url': { status: 400, title: 'Invalid callback URL' },
  'body-too-large': { status: 413, title: 'Request body too large' },
  'too-many-header-fields': { status: 431, title: 'Too many header fields' },
  'range-not-satisfiable': { status: 416, title: 'Range not satisfiable' },
  'too-many-jobs': { status: 429, title: 'Too many unsettled jobs' },
  'polled-too-soon': { status: 429, title: 'Polled too soon' },
  'queue-full': { status: 503, title: 'The queue is full' },
  'store-unavailable': { status: 503, title: 'The job store cannot be reached' },
  'store-full': { status: 503, title: 'The job store is full' },
  'key-missing': { status: 503, title: 'The key of the stored result is missing' },
  'plugin-restarting': { status: 503, title: 'The plugin is restarting' },
  'deadline-exceeded': { status: 504, title: 'The job expired before it ran' },
  'wait-timeout': { status: 504, title: 'The job did not settle in time' },
  'upstream-failed': { status: 502, title: 'The upstream call failed' },
  'upstream-timeout': { status: 504, title: 'The upstream did not answer in time' },
  'bad-response': { status: 502, title: 'The upstream sent a bad response' },
  'response-too-large': { status: 502, title: 'The upstream response is too large' },
  'outcome-unknown': { status: 502, title: 'The outcome of the upstream call is unknown' },
  'request-unreadable': { status: 502, title: 'The stored request cannot be read' },
  'result-unreadable': { status: 500, title: 'The stored result cannot be read' },
  'load-balanced-upstream': { status: 500, title: 'The service points at a Kong Upstream' },
  'internal-error': { status: 500, title: 'Internal error' },
} as const satisfies Record<string, Problem>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The `type` of a problem (RFC 9457, 3.1.1): a name, not an address. docs/problems/ has a page for each. */
export const problemType = (code: ProblemCode): string => `urn:problem:async-request-reply:${code}`;

/** Whether `code`, as a stored record has it, is in the catalog. */
export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);
