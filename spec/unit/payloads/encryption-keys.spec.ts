// Which keys an instance starts with, and which of them it publishes to workers.
import { randomBytes } from 'node:crypto';
import {
  checkEncryptionKeys,
  fingerprints,
  routeSecrets,
  workerSecrets,
} from '../../../plugins/async-request-reply/access/route/route-secrets';
import { fingerprint } from '../../../plugins/async-request-reply/secrets/fingerprint';
import type { Config } from '../../../schemas/generated/config-type';
import { resolveConfig } from '../../../schemas/resolve-config';

const newKey = (): string => randomBytes(32).toString('base64');
const configWith = (...keys: string[]): Config => resolveConfig({ encryption: { keys } });
const [FIRST, SECOND] = [newKey(), newKey()];

test('an instance starts with several keys, and with none', () => {
  expect(() => checkEncryptionKeys(configWith(FIRST, SECOND))).not.toThrow();
  expect(() => checkEncryptionKeys(resolveConfig({}))).not.toThrow();
});

test('a duplicate key is rejected by its index, without its value', () => {
  const check = (): void => checkEncryptionKeys(configWith(FIRST, SECOND, FIRST));
  expect(check).toThrow('encryption.keys[2] is the same as encryption.keys[0]. Leave one of them out.');
  expect(check).not.toThrow(FIRST);
});

test.each([
  ['too short', Buffer.alloc(31).toString('base64')],
  ['too long', Buffer.alloc(33).toString('base64')],
  ['no base64', `${'%'.repeat(43)}=`],
])('a key that is %s is rejected, and the message states the required form', (_what, key) => {
  expect(() => configWith(key)).toThrow('encryption.keys[0] must be 32 bytes in base64 (44 characters)');
});

test('a key with surplus bits in its last character is rejected', () => {
  const key = `${Buffer.alloc(32).toString('base64').slice(0, 42)}B=`;
  expect(() => checkEncryptionKeys(configWith(key))).toThrow('encryption.keys[0] is not 32 bytes in base64');
});

test('workers are required to have the first key, by its fingerprint; workers beside the gateway receive all keys', () => {
  const config = configWith(FIRST, SECOND);
  expect(fingerprints(routeSecrets(config))).toEqual([['encryption.keys[0]', fingerprint(FIRST)]]);
  expect([...workerSecrets(config)]).toEqual([FIRST, SECOND]);
});
