/** The queue of a route: its name, which decides what it shares with other routes, and its limits. */
import { field } from '../field';
import { values } from '../values';

const rateLimitSchema = field.optionalRecord(
  'RateLimitConfig',
  'How many jobs may start per time, over all machines together.',
  ['max', 'per_seconds'],
  {
    max: field.integer('How many jobs may start within per_seconds.', 1, 1000000),
    per_seconds: field.integer('The length of the window in seconds.', 1, 86400),
  },
);

export const queueSchema = field.record(
  'QueueConfig',
  'The queue that holds the jobs until a worker takes them.',
  {
    name: field.string(
      'Name of the queue. Jobs of one name share the limits below over all machines and routes. Give one from the start: jobs and dead letters stay under the name that they were accepted under.',
      { ...values.queueName, 'x-default': 'the id of the matched service, else of the route' },
    ),
    concurrency: field.integer(
      'How many calls to the upstream are in flight at once, over all machines.',
      1,
      100000,
      {
        default: 10,
      },
    ),
    rate_limit: rateLimitSchema,
    max_pause_seconds: field.integer(
      'The longest that the Retry-After of a 429 or 503 holds the queue, in seconds: none of its jobs starts meanwhile. 0 is off.',
      0,
      86400,
      { default: 300 },
    ),
    max_waiting: field.integer('How many jobs may wait; more are refused with 503.', 1, 10000000, {
      default: 10000,
    }),
    max_stored_bytes: field.integer(
      'How many bytes of request and response bodies may be stored for the queue; at or over it new jobs are refused with 503. 0 is off.',
      0,
      1099511627776,
      {
        default: 1073741824,
      },
    ),
    max_per_caller: field.integer(
      'How many unsettled jobs one owner may have; more are refused with 429. 0 is off.',
      0,
      1000000,
      {
        default: 0,
      },
    ),
    priority_header: field.string(
      'Request header in which the caller sets a priority from 1 (most urgent) to 10; 5 without it.',
      values.headerName,
    ),
    delay_header: field.string('Request header in which the caller sets a start time.', values.headerName),
  },
);
