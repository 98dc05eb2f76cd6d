/** When a failed attempt is repeated. */
import { field } from '../field';

export const retrySchema = field.record(
  'RetryConfig',
  'When an attempt that failed is repeated, and how soon.',
  {
    attempts: field.integer(
      'How many attempts of a job may reach the upstream, the first one included.',
      1,
      20,
      { default: 3 },
    ),
    connect_attempts: field.integer(
      'How many attempts of a job may fail before the upstream is reached: no connection, no address, no TLS. They are counted apart from attempts.',
      1,
      1000,
      { default: 10 },
    ),
    backoff_ms: field.integer(
      'Upper end of the first pause in milliseconds; it doubles with each attempt, and the pause is random between the half of it and it.',
      0,
      3600000,
      { default: 1000 },
    ),
    max_backoff_ms: field.integer('The longest pause between two attempts in milliseconds.', 0, 86400000, {
      default: 60000,
    }),
    statuses: field.set(
      'Response statuses that are repeated; when the attempts are used up, such a job is a dead letter.',
      field.integer('An HTTP status from 400 to 599.', 400, 599),
      { default: [408, 429, 500, 502, 503, 504] },
    ),
    unsafe_methods: field.flag(
      'Whether a POST or PATCH that may have reached the upstream is repeated. It may then be carried out twice.',
      { default: false },
    ),
  },
);
