// Job IDs: UUIDv7 (RFC 9562, 5.7). The 74 free bits are random, with no counter: an ID may be a credential.
import { randomFillSync } from 'node:crypto';

const PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A fresh job ID, 36 characters in lower case, that sorts by `nowMs` (milliseconds since 1970). */
export function newJobId(nowMs: number = Date.now()): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16));
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The ID in its canonical form; undefined if `text` is no UUIDv7. Upper case is accepted (RFC 9562, 4). */
export function parseJobId(text: string): string | undefined {
  const id = text.toLowerCase();
  return PATTERN.test(id) ? id : undefined;
}

/** When the ID was generated, in milliseconds since 1970, by the clock of that machine. */
export const jobIdTimeMs = (id: string): number => parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** The part of an ID that logs and spans may show: its first 18 characters. */
export const loggableJobId = (id: string): string => id.slice(0, 18);
