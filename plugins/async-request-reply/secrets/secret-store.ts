// The secrets of a process by their fingerprints, in memory only.
import { fingerprint } from './fingerprint';

/** A fingerprint and its secret. */
export type SecretEntry = readonly [fingerprint: string, secret: string];

/** Maximum number of secrets. The oldest make room for new ones, such as after years of key changes. */
const MAX_SECRETS = 10_000;

export class SecretStore {
  readonly #secrets = new Map<string, string>();
  #onAdded: (entry: SecretEntry) => void = () => undefined;

  /** @param secrets see `add`. */
  constructor(secrets: Iterable<string> = []) {
    for (const secret of secrets) {
      this.add(secret);
    }
  }

  /** Adds a secret, unless it is there already. */
  add(secret: string): void {
    this.addEntry([fingerprint(secret), secret]);
  }

  /** The same for a secret from another store. */
  addEntry(entry: SecretEntry): void {
    const [name, secret] = entry;
    if (this.#secrets.has(name)) {
      return;
    }
    const [oldest] = this.#secrets.keys();
    if (oldest !== undefined && this.#secrets.size >= MAX_SECRETS) {
      this.#secrets.delete(oldest);
    }
    this.#secrets.set(name, secret);
    this.#onAdded(entry);
  }

  /** The secret with this fingerprint; undefined if this process does not have it. */
  get(name: string): string | undefined {
    return this.#secrets.get(name);
  }

  entries(): SecretEntry[] {
    return [...this.#secrets];
  }

  /** Calls the listener, of which there is one, with each secret that is added from now on. */
  onAdded(listener: (entry: SecretEntry) => void): void {
    this.#onAdded = listener;
  }
}
