/** What of the upstream's response is kept. */
import { field } from '../field';

export const responseSchema = field.record('ResponseConfig', "What of the upstream's response is kept.", {
  max_body_bytes: field.integer(
    'Largest response body in bytes; more fails the job, with that as the reason.',
    0,
    2147483647,
    { default: 104857600 },
  ),
  max_head_bytes: field.integer(
    'Largest header section of a response in bytes, its status line included; more fails the job, with that as the reason.',
    1024,
    131072,
    { default: 32768 },
  ),
});
