// The options of a callback, and their form in the record: JSON, or sealed and in base64 if the route has encryption keys. They
// contain the URL that the client named and the path of its request.
import type { JobLinks } from './status-body';
import type { EncryptionKey, KeySource } from '../secrets/encryption-keys';
import { PayloadCipher, type AadContext } from '../payloads/payload-cipher';

/** Decided at the accept. They are in the record and contain no secret of the configuration. */
export interface CallbackOptions {
  readonly url: string;
  /** Fingerprint of the secret that signs the callback. */
  readonly secret: string;
  /** Whether the host may resolve to an address that is not public. */
  readonly allowPrivate: boolean;
  /** Absolute; undefined if the gateway does not know its own address. */
  readonly links?: JobLinks | undefined;
}

const callbackContext = (jobId: string): AadContext => ({ jobId, part: 'callback' });

export function encodeCallbackOptions(
  jobId: string,
  options: CallbackOptions,
  key: EncryptionKey | undefined,
): string {
  const text = JSON.stringify(options);
  return key === undefined
    ? text
    : PayloadCipher.forNew(key, callbackContext(jobId)).sealHead(Buffer.from(text)).toString('base64');
}

/** @throws KeyMissingError, PayloadAlteredError */
export function decodeCallbackOptions(jobId: string, stored: string, keys: KeySource): CallbackOptions {
  if (stored.startsWith('{')) {
    return JSON.parse(stored) as CallbackOptions;
  }
  const sealed = Buffer.from(stored, 'base64');
  const text = PayloadCipher.forStored(sealed, callbackContext(jobId), keys).openHead(sealed);
  return JSON.parse(text.toString()) as CallbackOptions;
}
