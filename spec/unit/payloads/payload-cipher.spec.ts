// What is sealed opens where it was put, with the key it was sealed with, and nowhere else.
import { randomBytes } from 'node:crypto';
import {
  EncryptionKeys,
  type EncryptionKey,
} from '../../../plugins/async-request-reply/secrets/encryption-keys';
import { packMeta } from '../../../plugins/async-request-reply/payloads/payload';
import {
  isSealed,
  keyIdOf,
  PayloadCipher,
  type AadContext,
} from '../../../plugins/async-request-reply/payloads/payload-cipher';
import {
  KeyMissingError,
  PayloadAlteredError,
} from '../../../plugins/async-request-reply/payloads/payload-errors';

const PLACE: AadContext = { jobId: '01890a5d-ac96-774b-bcce-b302099a8057', part: 'res:1.1' };
const TEXT = Buffer.from('a text that nobody is to read');

const newKey = (): string => randomBytes(32).toString('base64');
const [OLD, NEW] = [newKey(), newKey()];
const keys = new EncryptionKeys([OLD]);
const [key, other] = [keys, new EncryptionKeys([NEW])].map(({ first }) => first as EncryptionKey) as [
  EncryptionKey,
  EncryptionKey,
];

function sealed(place = PLACE): { cipher: PayloadCipher; head: Buffer; chunk: Buffer } {
  const cipher = PayloadCipher.forNew(key, place);
  return { cipher, head: cipher.sealHead(TEXT), chunk: cipher.sealChunk(1, false, TEXT) };
}

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
};

test('a head and a chunk can be opened under their own keys in Redis', () => {
  const { head, chunk } = sealed();
  const stored = PayloadCipher.forStored(head, PLACE, keys);

  expect(stored.openHead(head).equals(TEXT)).toBe(true);
  expect(stored.openChunk(1, false, chunk).equals(TEXT)).toBe(true);
});

test('the ciphertext contains no plaintext, and differs each time', () => {
  const { cipher, head, chunk } = sealed();
  const again = sealed();

  expect(Buffer.concat([head, chunk]).includes(TEXT.subarray(0, 6))).toBe(false);
  expect(cipher.sealChunk(1, false, TEXT).equals(chunk)).toBe(false);
  expect(again.head.subarray(18).equals(head.subarray(18))).toBe(false);
});

test.each<[string, (cipher: PayloadCipher, chunk: Buffer) => Buffer]>([
  ['at another place of its body', (cipher, chunk) => cipher.openChunk(0, false, chunk)],
  ['as the last of its body', (cipher, chunk) => cipher.openChunk(1, true, chunk)],
  ['as a head', (cipher, chunk) => cipher.openHead(Buffer.concat([Buffer.alloc(34), chunk]))],
  ['with bytes left out', (cipher, chunk) => cipher.openChunk(1, false, chunk.subarray(0, -1))],
  ['with bytes added', (cipher, chunk) => cipher.openChunk(1, false, Buffer.concat([chunk, chunk]))],
  ['where nothing is left of it', (cipher) => cipher.openChunk(1, false, Buffer.alloc(0))],
  ['in clear', (cipher) => cipher.openChunk(1, false, TEXT)],
])('a chunk does not open %s', (_where, open) => {
  const { cipher, chunk } = sealed();
  expect(() => open(cipher, chunk)).toThrow(PayloadAlteredError);
});

test.each<[string, AadContext]>([
  ['another job', { ...PLACE, jobId: '01890a5d-ac96-774b-bcce-b302099a8058' }],
  ['the request', { ...PLACE, part: 'req' }],
  ['another attempt', { ...PLACE, part: 'res:1.2' }],
])('neither head nor chunk opens in %s', (_where, place) => {
  const { head, chunk } = sealed();
  const stored = PayloadCipher.forStored(head, place, keys);

  expect(() => stored.openHead(head)).toThrow(PayloadAlteredError);
  expect(() => stored.openChunk(1, false, chunk)).toThrow(PayloadAlteredError);
});

test('a chunk does not open under the head of another write, though it is of the same place', () => {
  const [first, second] = [sealed(), sealed()];
  const stored = PayloadCipher.forStored(first.head, PLACE, keys);
  expect(() => stored.openChunk(1, false, second.chunk)).toThrow(PayloadAlteredError);
});

test('a change of any byte of head or chunk is detected', () => {
  const { cipher, head, chunk } = sealed();
  for (let at = 0; at < chunk.length; at += 1) {
    expect(() => cipher.openChunk(1, false, flipped(chunk, at))).toThrow(PayloadAlteredError);
  }
  for (let at = 1; at < head.length; at += 1) {
    const changed = flipped(head, at);
    const open = (): Buffer => PayloadCipher.forStored(changed, PLACE, keys).openHead(changed);
    expect(open).toThrow(at >= 2 && at < 18 ? KeyMissingError : PayloadAlteredError);
  }
});

describe('keys', () => {
  test('the first seals and all open', () => {
    const before = new EncryptionKeys([OLD]);
    const after = new EncryptionKeys([NEW, OLD]);
    const [old, fresh] = [before, after].map(({ first }) =>
      PayloadCipher.forNew(first as EncryptionKey, PLACE).sealHead(TEXT),
    ) as [Buffer, Buffer];

    expect([old, fresh].map(keyIdOf)).toEqual([key.id, other.id]);
    for (const head of [old, fresh]) {
      expect(PayloadCipher.forStored(head, PLACE, after).openHead(head).equals(TEXT)).toBe(true);
    }
  });

  test('one that is missing is named by its fingerprint', () => {
    const { head } = sealed();
    const open = (): PayloadCipher => PayloadCipher.forStored(head, PLACE, new EncryptionKeys([NEW]));

    expect(open).toThrow(new KeyMissingError(key.id));
    expect(key.id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('another one under the same name opens nothing', () => {
    const { head } = sealed();
    const stored = PayloadCipher.forStored(head, PLACE, { find: () => ({ ...key, bytes: other.bytes }) });
    expect(() => stored.openHead(head)).toThrow(PayloadAlteredError);
  });
});

test('a head in clear is distinguished from a sealed one', () => {
  const clear = packMeta({ head: { status: 200, headers: [] }, bytes: 0 });
  expect([isSealed(clear), isSealed(sealed().head)]).toEqual([false, true]);
});
