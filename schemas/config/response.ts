/** What of the upstream's response is kept. */
import { field } from '../field';

export const responseSchema = field.record('ResponseConfig', "What of the upstream's response is kept.", {
  max_body_bytes: field.integer(
    'Largest response body in bytes; more fails the job, with that as the reason.',
    0,
    2147483647,
    { default: 104857600 },
  ),
});
