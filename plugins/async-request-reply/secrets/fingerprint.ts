// The name by which a secret is known in Redis and in logs. It tells one secret from another and says nothing of it.
import { createHash, scryptSync } from 'node:crypto';

/** Makes a guess cost some 50 ms: whoever reads Redis may try passwords against a fingerprint, but not lists of them. */
const COST = { N: 16_384, r: 8, p: 1 };
/** 32 bytes in base64, as encryption keys are: guesses lead nowhere, however cheap they are. */
const RANDOM = /^[A-Za-z0-9+/]{43}=$/;

const SALT = 'async-request-reply secret 1';
const BYTES = 16;

/** Fingerprints made before, by the digest of the secret: each plugin instance asks for its own again. */
const made = new Map<string, string>();
const MAX_MADE = 1000;

const sum = (text: string): Buffer =>
  createHash('sha256').update(`${SALT}\n${text}`).digest().subarray(0, BYTES);

/** Line ends and the space around a PEM text depend on the file that it was in. */
export const normalizedSecret = (secret: string): string => secret.replaceAll('\r\n', '\n').trim();

/** 32 hexadecimal digits; the same for the same secret in every process. Takes some 50 ms the first time, but for encryption keys. */
export function fingerprint(secret: string): string {
  const text = normalizedSecret(secret);
  const digest = createHash('sha256').update(text).digest('base64');
  let name = made.get(digest);
  if (name === undefined) {
    if (made.size >= MAX_MADE) {
      made.clear();
    }
    name = (RANDOM.test(text) ? sum(text) : scryptSync(text, SALT, BYTES, COST)).toString('hex');
    made.set(digest, name);
  }
  return name;
}
