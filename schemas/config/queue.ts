/** The queue of a route: its name, which decides what it shares with other routes, and its limits. */
import { field } from '../field';
import { values } from '../values';

const rateLimitSchema = field.optionalRecord(
  'RateLimitConfig',
  'Limit on the jobs that start per period, across all workers.',
  ['max', 'per_seconds'],
  {
    max: field.integer('Maximum number of jobs that start within per_seconds.', 1, 1000000),
    per_seconds: field.integer('Length of the period in seconds.', 1, 86400),
  },
);

export const queueSchema = field.record('QueueConfig', 'The queue in which jobs wait for a worker.', {
  name: field.string(
    'Name of the queue. Routes with the same name share the queue and its limits. Set a name before you go live: jobs and dead letters stay in the queue that accepted them.',
    { ...values.queueName, 'x-default': 'the id of the matched service, else of the route' },
  ),
  concurrency: field.integer(
    'Maximum number of concurrent calls to the upstream, across all workers.',
    1,
    100000,
    {
      default: 10,
    },
  ),
  rate_limit: rateLimitSchema,
  max_pause_seconds: field.integer(
    'Maximum time for which the Retry-After of a 429 or 503 pauses the queue, in seconds. No job of a paused queue starts. 0 disables such pauses.',
    0,
    86400,
    { default: 300 },
  ),
  max_waiting: field.integer(
    'Maximum number of waiting jobs. Further jobs are rejected with 503.',
    1,
    10000000,
    {
      default: 10000,
    },
  ),
  max_stored_bytes: field.integer(
    'Maximum size of the request and response bodies that are stored for the queue, in bytes. When it is reached, new jobs are rejected with 503. 0 disables the limit.',
    0,
    1099511627776,
    {
      default: 1073741824,
    },
  ),
  max_per_caller: field.integer(
    'Maximum number of unsettled jobs of one owner. Further jobs are rejected with 429. 0 disables the limit.',
    0,
    1000000,
    {
      default: 0,
    },
  ),
  priority_header: field.string(
    'Request header in which the client sets the priority, from 1 (most urgent) to 10. Without it the priority is 5.',
    values.headerName,
  ),
  delay_header: field.string('Request header in which the client sets the start time.', values.headerName),
});
