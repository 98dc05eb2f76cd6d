// `Proxy-Status` (RFC 9209) of answers that stand in for a response that the upstream did not give.
import type { HeaderField } from '../http/reply';
import type { JobRecord } from '../jobs/job-record';

/** What this proxy calls itself: a name that tells nothing of the machine. */
const PROXY = 'async-request-reply';

/** Error types (RFC 9209, 2.3) of failures for which no attempt has left one, by the code of the problem. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  'upstream-timeout': 'http_response_timeout',
  'bad-response': 'http_protocol_error',
  'response-too-large': 'http_response_body_size',
  'internal-error': 'proxy_internal_error',
  'request-unreadable': 'proxy_internal_error',
};

/** The field of a failed job; none for any other. */
export function proxyStatus(job: JobRecord): HeaderField[] {
  if (job.state !== 'failed') {
    return [];
  }
  // A worker that is lost takes its connection with it.
  return [proxyError(job.error?.proxyError ?? ERROR_TYPES[job.error?.code ?? ''] ?? 'connection_terminated')];
}

export const proxyError = (errorType: string): HeaderField => [
  'Proxy-Status',
  `${PROXY}; error=${errorType}`,
];
