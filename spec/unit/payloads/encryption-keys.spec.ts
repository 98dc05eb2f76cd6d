// Which keys an instance starts with, and what of them is announced.
import { randomBytes } from 'node:crypto';
import {
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

test.each([
  ['too short', Buffer.alloc(31).toString('base64')],
  ['too long', Buffer.alloc(33).toString('base64')],
  ['no base64', `${'%'.repeat(43)}=`],
])('a key that is %s is refused, and the message says what is wanted', (_what, key) => {
  expect(() => configWith(key)).toThrow('encryption.keys[0] must be 32 bytes in base64 (44 characters)');
});

test('of the keys the first is asked of the workers, by its fingerprint; those beside the gateway get all', () => {
  const config = configWith(FIRST, SECOND);
  expect(fingerprints(routeSecrets(config))).toEqual([['encryption.keys[0]', fingerprint(FIRST)]]);
  expect([...workerSecrets(config)]).toEqual([FIRST, SECOND]);
});
