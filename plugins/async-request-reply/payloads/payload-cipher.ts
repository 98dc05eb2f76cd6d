// Encryption of stored payloads: AES-256-GCM (NIST SP 800-38D), one message for the head and one for each chunk, so that a part of
// a body can be read without the rest. The associated data of each message identifies its place: a message cannot be moved to
// another job, another payload or another position, and a payload cannot be truncated.
//
//   head   0xC1 | version | key ID (16) | salt (16) | nonce (12) | ciphertext | tag (16)
//   chunk  nonce (12) | ciphertext | tag (16)
//
// Each payload has its own key, derived from the configured key and the salt (HKDF, RFC 5869). With random nonces a key may encrypt
// 2^32 messages (SP 800-38D, 8.3). A payload has one message for 256 KiB, so that a configured key used directly would be
// exhausted in days. Two of 2^48 payloads under one configured key have the same salt with a probability below 2^-32. A chunk of
// another payload is rejected even if everything else is the same.
//
// Measured with Node.js 20 on two cores that had other work: 0.12 ms to seal 256 KiB and 0.09 ms to open it, 10 µs for a small
// message, some 20 µs for a payload's key. So encryption runs on the thread that has the bytes.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { EncryptionKey, KeySource } from '../secrets/encryption-keys';
import { KeyMissingError, PayloadAlteredError } from './payload-errors';

/** The place of a payload. It is part of the associated data (AAD). */
export interface AadContext {
  readonly jobId: string;
  /** `req`, `res:RUN.ATTEMPT`, `callback`. */
  readonly part: string;
}

const ALGORITHM = 'aes-256-gcm';

/** First byte of a sealed head. No MessagePack begins with it, and so no head in clear text. */
const MARK = 0xc1;
const VERSION = 1;
const ID_BYTES = 16;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const PREFIX_BYTES = 2 + ID_BYTES + SALT_BYTES;

export const isSealed = (head: Buffer): boolean => head[0] === MARK;

/** The fingerprint of the key that a sealed head names. @throws PayloadAlteredError */
export function keyIdOf(head: Buffer): string {
  if (head.length < PREFIX_BYTES + NONCE_BYTES + TAG_BYTES || head[1] !== VERSION) {
    throw new PayloadAlteredError();
  }
  return head.subarray(2, 2 + ID_BYTES).toString('hex');
}

/** Seals and opens the messages of one payload. */
export class PayloadCipher {
  readonly #context: AadContext;
  readonly #prefix: Buffer;
  readonly #key: Buffer;

  private constructor(key: EncryptionKey, salt: Buffer, context: AadContext) {
    this.#context = context;
    this.#prefix = Buffer.concat([Buffer.from([MARK, VERSION]), Buffer.from(key.id, 'hex'), salt]);
    this.#key = Buffer.from(hkdfSync('sha256', key.bytes, salt, 'async-request-reply payload', KEY_BYTES));
  }

  /** For a new payload. */
  static forNew(key: EncryptionKey, context: AadContext): PayloadCipher {
    return new PayloadCipher(key, randomBytes(SALT_BYTES), context);
  }

  /**
   * For a stored payload.
   *
   * @param head that is sealed (`isSealed`).
   * @throws KeyMissingError, PayloadAlteredError
   */
  static forStored(head: Buffer, context: AadContext, keys: KeySource): PayloadCipher {
    const id = keyIdOf(head);
    const key = keys.find(id);
    if (key === undefined) {
      throw new KeyMissingError(id);
    }
    return new PayloadCipher(key, head.subarray(2 + ID_BYTES, PREFIX_BYTES), context);
  }

  sealHead(head: Buffer): Buffer {
    return Buffer.concat([this.#prefix, ...this.#seal('head', head)]);
  }

  /** @throws PayloadAlteredError */
  openHead(sealed: Buffer): Buffer {
    return this.#open('head', sealed.subarray(PREFIX_BYTES));
  }

  sealChunk(index: number, isLast: boolean, chunk: Buffer): Buffer {
    return Buffer.concat(this.#seal(chunkName(index, isLast), chunk));
  }

  /** @throws PayloadAlteredError */
  openChunk(index: number, isLast: boolean, sealed: Buffer): Buffer {
    return this.#open(chunkName(index, isLast), sealed);
  }

  #seal(name: string, text: Buffer): Buffer[] {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce).setAAD(this.#bound(name));
    const sealed = cipher.update(text);
    return [nonce, sealed, cipher.final(), cipher.getAuthTag()];
  }

  #open(name: string, sealed: Buffer): Buffer {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) {
      throw new PayloadAlteredError();
    }
    const decipher = createDecipheriv(ALGORITHM, this.#key, sealed.subarray(0, NONCE_BYTES))
      .setAAD(this.#bound(name))
      .setAuthTag(sealed.subarray(-TAG_BYTES));
    const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      throw new PayloadAlteredError();
    }
    return text;
  }

  /** None of the three contains a line break. */
  #bound(name: string): Buffer {
    return Buffer.from(`${this.#context.jobId}\n${this.#context.part}\n${name}`);
  }
}

const chunkName = (index: number, isLast: boolean): string => `${String(index)}${isLast ? ' last' : ''}`;
