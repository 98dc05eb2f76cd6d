// Finds the secrets whose fingerprints a settings document contains.
import type { JobSettings } from './job-settings';
import type { SecretStore } from '../secrets/secret-store';

/** Secrets by their setting: `upstream.client_key`. */
export type Secrets = ReadonlyMap<string, string>;

type SecretsOutcome =
  | { readonly kind: 'complete'; readonly secrets: Secrets }
  /** `names`: setting and fingerprint of each secret that is missing. */
  | { readonly kind: 'missing'; readonly names: readonly string[] };

export function secretsFor(settings: Pick<JobSettings, 'secrets'>, box: SecretStore): SecretsOutcome {
  const secrets = new Map<string, string>();
  const names: string[] = [];
  for (const [field, fingerprint] of settings.secrets ?? []) {
    const secret = box.get(fingerprint);
    if (secret === undefined) {
      names.push(`${field} (fingerprint ${fingerprint})`);
    } else {
      secrets.set(field, secret);
    }
  }
  return names.length > 0 ? { kind: 'missing', names } : { kind: 'complete', secrets };
}
