/** Keys for what is stored. */
import { field } from '../field';
import { values } from '../values';

export const encryptionSchema = field.record('EncryptionConfig', 'Encryption of what is stored in Redis.', {
  keys: field.list(
    'AES-256-GCM keys for request lines, headers, bodies and responses. The first encrypts, all decrypt.',
    field.string('A key of 32 bytes in base64.', values.aesKey),
    { minItems: 1, maxItems: 16 },
  ),
});
