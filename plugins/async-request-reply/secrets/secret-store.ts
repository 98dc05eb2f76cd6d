// The secrets that a process has, in memory alone, by their fingerprints.
import { fingerprint } from './fingerprint';

/** A fingerprint and its secret. */
export type SecretEntry = readonly [fingerprint: string, secret: string];

/** Secrets at once; the oldest make room, as after years of changes of the same few. */
const MAX_SECRETS = 10_000;

export class SecretStore {
  readonly #secrets = new Map<string, string>();
  #onAdded: (entry: SecretEntry) => void = () => undefined;

  /** @param secrets as told by their owner; see `add`. */
  constructor(secrets: Iterable<string> = []) {
    for (const secret of secrets) {
      this.add(secret);
    }
  }

  /** Takes a secret in; nothing happens where it is there already. */
  add(secret: string): void {
    this.addEntry([fingerprint(secret), secret]);
  }

  /** The same for one that comes from another box. */
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

  /** The secret with this fingerprint, undefined where this process does not have it. */
  get(name: string): string | undefined {
    return this.#secrets.get(name);
  }

  entries(): SecretEntry[] {
    return [...this.#secrets];
  }

  /** Tells one listener of each secret that comes from now on. */
  onAdded(listener: (entry: SecretEntry) => void): void {
    this.#onAdded = listener;
  }
}
