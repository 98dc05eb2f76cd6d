// How a request or a response lies in Redis: a hash with the head under `head` and the body in chunks under
// `0`, `1`, …, all of it raw bytes. One key, one TTL: no chunk can outlive the rest. The head is written last. Where the route
// has encryption keys, head and chunks are sealed: payload-cipher.ts.
import { pack, unpack } from 'msgpackr';

/** A chunk is small enough that no command moves more than this at once (docs/redis.md has the measurement). */
export const CHUNK_BYTES = 256 * 1024;

/** What is stored under `head`, beside the head itself. */
export interface PayloadMeta<Head> {
  readonly head: Head;
  /** Length of the body as it came. */
  readonly bytes: number;
  /** SHA-256 of the body as it came, in base64. */
  readonly sha256?: string | undefined;
  /** How each chunk is compressed; absent: not at all. */
  readonly coding?: 'br' | undefined;
}

export const packMeta = (meta: PayloadMeta<unknown>): Buffer => pack(meta);

/** Only this program writes payloads, so that the head is taken to have the type it was stored with. */
export const unpackMeta = <Head>(stored: Buffer): PayloadMeta<Head> => unpack(stored) as PayloadMeta<Head>;

/** How many chunks a body of `bytes` has. An empty body has none. */
export const chunkCount = (bytes: number): number => Math.ceil(bytes / CHUNK_BYTES);
