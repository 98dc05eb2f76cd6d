/** When a queue is paused because its upstream is down. */
import { field } from '../field';

export const breakerSchema = field.record(
  'BreakerConfig',
  'Circuit breaker: when the queue pauses because the upstream is down.',
  {
    failures: field.integer(
      'Number of consecutive failures after which the queue pauses. 0 disables the circuit breaker.',
      0,
      10000,
      {
        default: 0,
      },
    ),
    open_seconds: field.integer(
      'How long the queue stays paused before one job tests the upstream, in seconds.',
      1,
      86400,
      {
        default: 30,
      },
    ),
  },
);
