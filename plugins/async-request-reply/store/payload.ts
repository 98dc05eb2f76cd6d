// How a request or a response lies in Redis: a hash with the head under `head` and the body in chunks under
// `0`, `1`, …, all of it raw bytes. One key, one TTL: no chunk can outlive the rest.
import { pack, unpack } from 'msgpackr';

/** A chunk is small enough that no command moves more than this at once. */
export const CHUNK_BYTES = 256 * 1024;

/** The fields of the hash for `head` and `body`, as arguments of HSET. An empty body has no chunk. */
export function payloadFields(head: unknown, body: Buffer): (string | Buffer)[] {
  const fields: (string | Buffer)[] = ['head', pack(head)];
  for (let at = 0, chunk = 0; at < body.length; at += CHUNK_BYTES, chunk += 1) {
    fields.push(String(chunk), body.subarray(at, at + CHUNK_BYTES));
  }
  return fields;
}

/**
 * Head and body of a stored payload.
 *
 * @param fields what HGETALL returned, as buffers. Only this program writes them, so that the head is taken to
 *   have the type it was stored with.
 * @returns undefined where there is no payload.
 */
export function readPayload<Head>(
  fields: Readonly<Record<string, Buffer>>,
): { head: Head; body: Buffer } | undefined {
  const head = fields['head'];
  if (head === undefined) {
    return undefined;
  }
  const chunks: Buffer[] = [];
  for (let chunk = fields['0']; chunk !== undefined; chunk = fields[String(chunks.length)]) {
    chunks.push(chunk);
  }
  return {
    head: unpack(head) as Head,
    body: chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks),
  };
}
