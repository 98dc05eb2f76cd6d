// The keys that encrypt what is stored. The first key of an instance encrypts, all of them decrypt. The fingerprint of a key is stored
// beside what it has encrypted, so that the right key is found after a change of keys.
import { fingerprint } from './fingerprint';
import type { SecretStore } from './secret-store';

export interface EncryptionKey {
  /** Its fingerprint: 32 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Buffer;
}

/** A place to find keys. */
export interface KeySource {
  /** The key with this fingerprint; undefined if it is not here. */
  find(id: string): EncryptionKey | undefined;
}

/** The setting whose key encrypts what a worker stores for a job. */
export const SEALING_KEY = 'encryption.keys[0]';

const KEY_BYTES = 32;

/** The 32 bytes that `text` encodes in base64; undefined if it does not. */
export function keyBytes(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === text.trim() ? bytes : undefined;
}

function keyOf(id: string, text: string): EncryptionKey | undefined {
  const bytes = keyBytes(text);
  return bytes && { id, bytes };
}

/** The keys of a plugin instance. */
export class EncryptionKeys implements KeySource {
  readonly #keys: readonly EncryptionKey[];

  /** @param texts as the configuration has them. Without keys nothing is encrypted. */
  constructor(texts: readonly string[]) {
    this.#keys = texts.flatMap((text) => keyOf(fingerprint(text), text) ?? []);
  }

  /** The key that encrypts. */
  get first(): EncryptionKey | undefined {
    return this.#keys[0];
  }

  find(id: string): EncryptionKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }
}

/** A source without keys. */
export const NO_KEYS: KeySource = { find: () => undefined };

/** The keys among the secrets of a process. */
export const keysAmong = (store: SecretStore): KeySource => ({
  find: (id) => {
    const text = store.get(id);
    return text === undefined ? undefined : keyOf(id, text);
  },
});
