// The name of a secret in Redis and in logs. It tells secrets apart and reveals nothing about them.
import { createHash, scryptSync } from 'node:crypto';

/** A guess costs about 50 ms: a reader of Redis can test single passwords against a fingerprint, but not lists of them. */
const COST = { N: 16_384, r: 8, p: 1 };
/** 32 bytes in base64, such as an encryption key: it cannot be guessed, however cheap a guess is. */
const RANDOM = /^[A-Za-z0-9+/]{43}=$/;

const SALT = 'async-request-reply secret 1';
const BYTES = 16;

/** Fingerprints that were computed before, by the digest of the secret: every plugin instance needs its own again. */
const computed = new Map<string, string>();
const MAX_COMPUTED = 1000;

const sum = (text: string): Buffer =>
  createHash('sha256').update(`${SALT}\n${text}`).digest().subarray(0, BYTES);

/** The secret without differences that come from the file it was in: line ends, and space around it. */
export const normalizedSecret = (secret: string): string => secret.replaceAll('\r\n', '\n').trim();

/** 32 hexadecimal digits; the same for the same secret in every process. Takes about 50 ms the first time, except for encryption keys. */
export function fingerprint(secret: string): string {
  const text = normalizedSecret(secret);
  const digest = createHash('sha256').update(text).digest('base64');
  let name = computed.get(digest);
  if (name === undefined) {
    if (computed.size >= MAX_COMPUTED) {
      computed.clear();
    }
    name = (RANDOM.test(text) ? sum(text) : scryptSync(text, SALT, BYTES, COST)).toString('hex');
    computed.set(digest, name);
  }
  return name;
}
