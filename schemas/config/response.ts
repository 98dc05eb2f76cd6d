/** Which responses of the upstream are stored. */
import { field } from '../field';

export const responseSchema = field.record('ResponseConfig', 'Limits on the response of the upstream.', {
  max_body_bytes: field.integer(
    'Maximum size of a response body in bytes. With a larger body the job fails.',
    0,
    2147483647,
    { default: 104857600 },
  ),
  max_head_bytes: field.integer(
    'Maximum size of the status line and the header section of a response in bytes. With larger ones the job fails.',
    1024,
    131072,
    { default: 32768 },
  ),
});
