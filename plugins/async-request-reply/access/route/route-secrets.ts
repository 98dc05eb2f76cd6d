// The secrets of a plugin instance that its jobs need in a worker. The workers of the plugin server get them in memory. Separate
// workers get a fingerprint of each, and find the secret among their own.
import type { Config } from '../../../../schemas/generated/config-type';
import { SEALING_KEY } from '../../secrets/encryption-keys';
import { LOOPBACK_SECRET } from '../../loopback/loopback-token';
import { fingerprint } from '../../secrets/fingerprint';
import type { Secrets } from '../../jobs/secrets-for';
import type { SecretFingerprint } from '../../jobs/job-settings';

export const CLIENT_CERT = 'upstream.client_cert';
export const CLIENT_KEY = 'upstream.client_key';

/** The secrets that a worker must have. Of the encryption keys this is the first, which encrypts. */
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

/** The secrets that the workers of the plugin server get: also the keys that only decrypt. */
export const workerSecrets = (config: Config): ReadonlySet<string> =>
  new Set([...routeSecrets(config).values(), ...(config.encryption.keys ?? [])]);

/** What may be stored in Redis and logged of them. */
export const fingerprints = (secrets: Secrets): SecretFingerprint[] =>
  [...secrets].map(([field, secret]) => [field, fingerprint(secret)]);
