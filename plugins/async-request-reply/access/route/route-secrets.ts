// The secrets of a plugin instance that its jobs need in a worker. A setting that is listed here reaches the workers of
// the plugin server in memory, and separate workers as a fingerprint, for which they look among their own secrets.
import type { Config } from '../../../../schemas/generated/config-type';
import { SEALING_KEY } from '../../secrets/encryption-keys';
import { LOOPBACK_SECRET } from '../../loopback/loopback-token';
import { fingerprint } from '../../secrets/fingerprint';
import type { Secrets } from '../../jobs/secrets-for';
import type { SecretFingerprint } from '../../jobs/job-settings';

export const CLIENT_CERT = 'upstream.client_cert';
export const CLIENT_KEY = 'upstream.client_key';

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
