// Seals tickets for their way through nginx: only this process can write, read or change one. AES-256-GCM; the text of a ticket is
// `IV | ciphertext | tag` in base64url.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { pack, unpack } from 'msgpackr';
import type { HandoffTicket } from './types';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** nginx connects only when it has the whole upload, which may take long. */
const LIFE_MS = 3_600_000;

interface Sealed {
  readonly ticket: HandoffTicket;
  readonly expiresAt: number;
}

export const newSealingKey = (): Buffer => randomBytes(KEY_BYTES);

export class TicketSealer {
  readonly #key: Uint8Array;

  /** @param key 32 bytes, the key of this process. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  seal(ticket: HandoffTicket): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, iv);
    const sealed: Sealed = { ticket, expiresAt: Date.now() + LIFE_MS };
    const text = cipher.update(pack(sealed));
    return Buffer.concat([iv, text, cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** @returns undefined if `text` is not a ticket of this process, or has expired. */
  open(text: string): HandoffTicket | undefined {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) {
      return undefined;
    }
    const decipher = createDecipheriv(ALGORITHM, this.#key, bytes.subarray(0, IV_BYTES));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      // Only this process writes what its key can open.
      const { ticket, expiresAt } = unpack(text) as Sealed;
      return Date.now() < expiresAt ? ticket : undefined;
    } catch {
      return undefined;
    }
  }
}
