/** When two requests count as one job. */
import { field } from '../field';
import { values } from '../values';

export const idempotencySchema = field.record('IdempotencyConfig', 'When two requests count as one job.', {
  header: field.string('Request header that carries the idempotency key.', {
    ...values.headerName,
    default: 'Idempotency-Key',
  }),
  from: field.choice(
    'Source of the idempotency key: header uses the request header; content uses a hash of the request, so that equal requests count as one job.',
    ['header', 'content'],
    { default: 'header' },
  ),
  required: field.flag('Whether a request without a key is rejected with 400.', { default: false }),
  ttl_seconds: field.integer('Minimum time for which a key is kept, in seconds.', 1, 2592000, {
    default: 86400,
  }),
});
