// The layout of a request or a response in Redis: a hash with the head under `head` and the body in chunks under `0`, `1`, …, all
// of it raw bytes. It is one key with one TTL, so that no chunk can outlive the rest. The head is written last. If the route has
// encryption keys, head and chunks are sealed (payload-cipher.ts).
import { pack, unpack } from 'msgpackr';

/** No command moves more than this at once (docs/redis.md has the measurement). */
export const CHUNK_BYTES = 256 * 1024;

/** What is stored under `head`, beside the head itself. */
export interface PayloadMeta<Head> {
  readonly head: Head;
  /** Length of the body as it was received. */
  readonly bytes: number;
  /** SHA-256 of the body as it was received, in base64. */
  readonly sha256?: string | undefined;
  /** How each chunk is compressed; absent: it is not. */
  readonly coding?: 'br' | undefined;
}

export const packMeta = (meta: PayloadMeta<unknown>): Buffer => pack(meta);

/** Only this program writes payloads: the head has the type that it was stored with. */
export const unpackMeta = <Head>(stored: Buffer): PayloadMeta<Head> => unpack(stored) as PayloadMeta<Head>;

/** How many chunks a body of `bytes` has. An empty body has none. */
export const chunkCount = (bytes: number): number => Math.ceil(bytes / CHUNK_BYTES);
