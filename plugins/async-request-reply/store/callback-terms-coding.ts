// The terms of a callback as the record has them: JSON, or where the route has encryption keys sealed, in base64. They hold
// the URL that the client named and the path of its request.
import type { EncryptionKey, KeySource } from '../secrets/encryption-keys';
import type { CallbackTerms } from './callback-store';
import { PayloadCipher, type PayloadPlace } from './payload-cipher';

const placeOf = (jobId: string): PayloadPlace => ({ jobId, part: 'callback' });

export function encodeTerms(jobId: string, terms: CallbackTerms, key: EncryptionKey | undefined): string {
  const text = JSON.stringify(terms);
  return key === undefined
    ? text
    : PayloadCipher.forNew(key, placeOf(jobId)).sealHead(Buffer.from(text)).toString('base64');
}

/** @throws KeyMissingError, PayloadAlteredError */
export function decodeTerms(jobId: string, stored: string, keys: KeySource): CallbackTerms {
  if (stored.startsWith('{')) {
    return JSON.parse(stored) as CallbackTerms;
  }
  const sealed = Buffer.from(stored, 'base64');
  const text = PayloadCipher.forStored(sealed, placeOf(jobId), keys).openHead(sealed);
  return JSON.parse(text.toString()) as CallbackTerms;
}
