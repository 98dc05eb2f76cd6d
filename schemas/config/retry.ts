/** When a failed attempt is retried. */
import { field } from '../field';

export const retrySchema = field.record(
  'RetryConfig',
  'When a failed attempt is retried, and after which delay.',
  {
    attempts: field.integer(
      'Maximum number of attempts of a job that reach the upstream, including the first.',
      1,
      20,
      { default: 3 },
    ),
    connect_attempts: field.integer(
      'Maximum number of attempts of a job that fail before they reach the upstream: no address, no connection, or a failed TLS handshake. They do not count as attempts.',
      1,
      1000,
      { default: 10 },
    ),
    backoff_ms: field.integer(
      'Upper bound of the delay before the first retry, in milliseconds. It doubles with each retry; the actual delay is random between half of the bound and the bound.',
      0,
      3600000,
      { default: 1000 },
    ),
    max_backoff_ms: field.integer('Maximum delay between two attempts, in milliseconds.', 0, 86400000, {
      default: 60000,
    }),
    statuses: field.set(
      'Response statuses that are retried. After the last attempt the job becomes a dead letter.',
      field.integer('An HTTP status from 400 to 599.', 400, 599),
      { default: [408, 429, 500, 502, 503, 504] },
    ),
    unsafe_methods: field.flag(
      'Whether a POST or PATCH that may have reached the upstream is retried. The upstream may then process it twice.',
      { default: false },
    ),
  },
);
