/** Long polling. Kong waits for a plugin server for 60 s and then proxies the request, so a wait is shorter than that. */
import { field } from '../field';

const MAX_WAIT_MS = 50000;

export const waitSchema = field.record(
  'WaitConfig',
  'How long a response may wait for the job to settle (long polling).',
  {
    default_ms: field.integer(
      'How long the response to a submit waits if the client sends no Prefer: wait, in milliseconds. 0 responds immediately.',
      0,
      MAX_WAIT_MS,
      { default: 0 },
    ),
    max_ms: field.integer(
      'Maximum wait that a client can request with Prefer: wait, in milliseconds.',
      0,
      MAX_WAIT_MS,
      {
        default: 20000,
      },
    ),
    max_waiting: field.integer(
      'Maximum number of waiting requests for jobs of the queue in one process. Further requests get 202 immediately.',
      0,
      100000,
      {
        default: 1000,
      },
    ),
    on_timeout: field.choice(
      'Response to a submit whose wait ends before the job settles: accepted is a 202; error is a 504 and cancels the job.',
      ['accepted', 'error'],
      { default: 'accepted' },
    ),
  },
);
