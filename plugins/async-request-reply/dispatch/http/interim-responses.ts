// Handles a `100 Continue` that was not requested: a client has to accept it, and any number of other 1xx (RFC 9110, 15.2). undici
// closes the connection at a 100, and skips every other 1xx.

/** `HTTP/1.1 100` */
const STATUS_AT = 'HTTP/1.1 '.length;
const DIGITS = 3;
const HEAD_END = '\r\n\r\n';

/** `rest`: after the interim responses, where all bytes stay as they are. */
type At = 'rest' | 'status line' | 'interim head';

const ZERO = 0x30;
const ONE = 0x31;
const THREE = 0x33;

/** Parses the bytes of one connection, and changes each 100 to a 103, which undici skips. */
export class InterimResponses {
  /** The upstream has switched to another protocol, which is never requested. */
  hasSwitched = false;
  #at: At = 'rest';
  /** How many bytes of the status line have been seen. */
  #seen = 0;
  #status = [0, 0, 0];
  #matched = 0;

  /** A request is sent: the next byte is the first of a response. */
  expectResponse(): void {
    this.#at = 'status line';
    this.#seen = 0;
  }

  /** @param bytes the next ones that were read. Changed in place. */
  read(bytes: Buffer): void {
    for (let index = 0; index < bytes.length && this.#at !== 'rest'; index++) {
      if (this.#at === 'status line') {
        this.#readStatusLine(bytes, index);
      } else {
        this.#readInterimHead(bytes[index] ?? 0);
      }
    }
  }

  #readStatusLine(bytes: Buffer, index: number): void {
    const digit = this.#seen - STATUS_AT;
    this.#seen += 1;
    if (digit < 0) {
      return;
    }
    this.#status[digit] = bytes[index] ?? 0;
    if (digit < DIGITS - 1) {
      return;
    }
    const [first, second, third] = this.#status;
    if (first === ONE && second === ZERO && third === ZERO) {
      bytes[index] = THREE;
    }
    this.hasSwitched = first === ONE && second === ZERO && third === ONE;
    this.#at = first === ONE ? 'interim head' : 'rest';
    this.#matched = 0;
  }

  #readInterimHead(byte: number): void {
    this.#matched = byte === HEAD_END.charCodeAt(this.#matched) ? this.#matched + 1 : Number(byte === 0x0d);
    if (this.#matched === HEAD_END.length) {
      this.expectResponse();
    }
  }
}
