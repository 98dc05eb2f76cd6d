/** How long an answer may be held. Kong gives up on a plugin server after 60 s and then lets the request through. */
import { field } from '../field';

const MAX_WAIT_MS = 50000;

export const waitSchema = field.record(
  'WaitConfig',
  'How long an answer may be held until the job settles.',
  {
    default_ms: field.integer(
      'How long the answer to a submit is held when the client does not ask for a time, in milliseconds. 0 answers at once.',
      0,
      MAX_WAIT_MS,
      { default: 0 },
    ),
    max_ms: field.integer(
      'The longest hold that a client gets with Prefer: wait, in milliseconds.',
      0,
      MAX_WAIT_MS,
      {
        default: 20000,
      },
    ),
    max_waiting: field.integer(
      'How many requests for jobs of its queue one process holds at once; more get their 202 at once.',
      0,
      100000,
      {
        default: 1000,
      },
    ),
    on_timeout: field.choice(
      'What a held submit gets when the time is over: accepted is a 202, error is a 504 and cancels the job.',
      ['accepted', 'error'],
      { default: 'accepted' },
    ),
  },
);
