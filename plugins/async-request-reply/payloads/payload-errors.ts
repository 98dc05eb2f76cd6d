// Why a payload cannot be read, or be written whole.

/** The TTL of the payload ran out between two writes, or Redis lost it: what is there is not whole. */
export class PayloadLostError extends Error {
  readonly code = 'ARR_PAYLOAD_LOST';

  constructor() {
    super('a part of the payload was gone before the rest had come');
  }
}

/** What is stored is not what was encrypted, or not where it was put. */
export class PayloadAlteredError extends Error {
  readonly code = 'ARR_PAYLOAD_ALTERED';

  constructor() {
    super('what is stored cannot be decrypted: it was altered, or moved');
  }
}

/** What is stored was encrypted with a key that is not here. */
export class KeyMissingError extends Error {
  readonly code = 'ARR_KEY_MISSING';
  /** Its fingerprint. */
  readonly keyId: string;

  constructor(keyId: string) {
    super(`the encryption key with the fingerprint ${keyId} is missing here`);
    this.keyId = keyId;
  }
}
