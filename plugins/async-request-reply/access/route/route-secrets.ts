// The secrets of a plugin instance that its jobs need in a worker. A setting that is listed here reaches the workers of
// the plugin server in memory, and separate workers as a fingerprint, for which they look among their own secrets.
import { createSecureContext } from 'node:tls';
import type { Config } from '../../../../schemas/generated/config-type';
import { ConfigError } from '../../../../schemas/config-error';
import { keyBytes, SEALING_KEY } from '../../secrets/encryption-keys';
import { LOOPBACK_SECRET } from '../../loopback/loopback-token';
import { fingerprint } from '../../secrets/fingerprint';
import type { Secrets } from '../../jobs/secrets-for';
import type { SecretFingerprint } from '../../jobs/job-settings';

const CLIENT_CERT = 'upstream.client_cert';
const CLIENT_KEY = 'upstream.client_key';

/** Those that a worker must have: of the encryption keys the one that encrypts. */
export function routeSecrets({ upstream, callback, encryption }: Config): Secrets {
  const all: [field: string, secret: string | undefined][] = [
    [CLIENT_CERT, upstream.client_cert],
    [CLIENT_KEY, upstream.client_key],
    [SEALING_KEY, encryption.keys?.[0]],
    [LOOPBACK_SECRET, upstream.mode === 'loopback' ? upstream.loopback_secret : undefined],
    ...callback.targets.flatMap(({ secrets }, target) =>
      secrets.map((secret, at): [string, string] => [
        `callback.targets[${String(target)}].secrets[${String(at)}]`,
        secret,
      ]),
    ),
  ];
  return new Map(all.filter((one): one is [string, string] => one[1] !== undefined));
}

/** All that the workers beside the plugin server are given: also the keys that only decrypt. */
export const workerSecrets = (config: Config): ReadonlySet<string> =>
  new Set([...routeSecrets(config).values(), ...(config.encryption.keys ?? [])]);

/** What Redis and logs may have of them. */
export const fingerprints = (secrets: Secrets): SecretFingerprint[] =>
  [...secrets].map(([field, secret]) => [field, fingerprint(secret)]);

/** @throws ConfigError where certificate and key cannot be read, or do not belong together. */
export function checkClientIdentity({ upstream: { client_cert: cert, client_key: key } }: Config): void {
  if (cert === undefined || key === undefined) {
    return;
  }
  try {
    createSecureContext({ cert, key });
  } catch {
    // What OpenSSL says of it may quote it.
    throw new ConfigError('The configuration of the plugin async-request-reply', [
      {
        field: CLIENT_KEY,
        message: `${CLIENT_CERT} and ${CLIENT_KEY} are not a certificate and its private key. Give those that belong together.`,
      },
    ]);
  }
}

/** @throws ConfigError where a key is not what base64 makes of 32 bytes, or is there twice. */
export function checkEncryptionKeys({ encryption: { keys = [] } }: Config): void {
  const read = keys.map((text) => keyBytes(text)?.toString('base64'));
  const problems = read.flatMap((key, at) => {
    const field = `encryption.keys[${String(at)}]`;
    const first = read.indexOf(key);
    if (key === undefined) {
      return [
        { field, message: `${field} is not 32 bytes in base64. Make one with: openssl rand -base64 32` },
      ];
    }
    const other = `encryption.keys[${String(first)}]`;
    return first === at
      ? []
      : [{ field, message: `${field} is the same as ${other}. Leave one of them out.` }];
  });
  if (problems.length > 0) {
    throw new ConfigError('The configuration of the plugin async-request-reply', problems);
  }
}
