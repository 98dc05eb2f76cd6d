/** When two requests are one job. */
import { field } from '../field';
import { values } from '../values';

export const idempotencySchema = field.record('IdempotencyConfig', 'When two requests count as one job.', {
  header: field.string('Request header that carries the key.', {
    ...values.headerName,
    default: 'Idempotency-Key',
  }),
  from: field.choice(
    'header takes the key from the request header; content takes the request itself, so that the same request is the same job.',
    ['header', 'content'],
    { default: 'header' },
  ),
  required: field.flag('Whether a request without a key is refused with 400.', { default: false }),
  ttl_seconds: field.integer('How long a key is kept at least, in seconds.', 1, 2592000, { default: 86400 }),
});
