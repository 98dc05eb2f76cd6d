/** When a queue is paused because its upstream is down. */
import { field } from '../field';

export const breakerSchema = field.record(
  'BreakerConfig',
  'When the queue pauses because the upstream is down.',
  {
    failures: field.integer('How many failures in a row pause the queue. 0 is off.', 0, 10000, {
      default: 0,
    }),
    open_seconds: field.integer(
      'How long the queue is paused, in seconds, before one job tries again.',
      1,
      86400,
      {
        default: 30,
      },
    ),
  },
);
