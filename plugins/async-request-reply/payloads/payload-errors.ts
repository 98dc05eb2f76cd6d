// Why a payload cannot be read, or could not be written completely.

/** The payload expired between two writes, or Redis lost it: what is stored is incomplete. */
export class PayloadLostError extends Error {
  readonly code = 'ARR_PAYLOAD_LOST';

  constructor() {
    super('a part of the payload was gone before the rest had come');
  }
}

/** What is stored is not what was encrypted, or was moved to another place. */
export class PayloadAlteredError extends Error {
  readonly code = 'ARR_PAYLOAD_ALTERED';

  constructor() {
    super('what is stored cannot be decrypted: it was altered, or moved');
  }
}

/** What is stored was encrypted with a key that this process does not have. */
export class KeyMissingError extends Error {
  readonly code = 'ARR_KEY_MISSING';
  /** Its fingerprint. */
  readonly keyId: string;

  constructor(keyId: string) {
    super(`the encryption key with the fingerprint ${keyId} is missing here`);
    this.keyId = keyId;
  }
}
