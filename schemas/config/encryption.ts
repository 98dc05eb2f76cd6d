/** Keys that encrypt the stored payloads. */
import { field } from '../field';
import { values } from '../values';

export const encryptionSchema = field.record('EncryptionConfig', 'Encryption of payloads in Redis.', {
  keys: field.list(
    'AES-256-GCM keys that encrypt request lines, headers, bodies and responses. The first key encrypts; every key can decrypt.',
    field.string('A key of 32 bytes in base64.', values.aesKey),
    { minItems: 1, maxItems: 16 },
  ),
});
