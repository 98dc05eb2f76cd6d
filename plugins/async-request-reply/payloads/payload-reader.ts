// Reads a payload from Redis, a chunk at a time.
import { NO_KEYS, type KeySource } from '../secrets/encryption-keys';
import { chunkCount, CHUNK_BYTES, unpackMeta, type PayloadMeta } from './payload';
import { isSealed, PayloadCipher, type AadContext } from './payload-cipher';
import { decompressChunk } from './payload-coding';
import { PayloadLostError } from './payload-errors';
import type { RedisClient } from '../redis/redis-client';

/** A payload whose head has been read. The body may be read several times. */
export class StoredPayload<Head> {
  readonly #redis: RedisClient;
  readonly #key: string;
  readonly #meta: PayloadMeta<Head>;
  readonly #first: Buffer | null;
  readonly #cipher: PayloadCipher | undefined;

  private constructor(chunks: {
    redis: RedisClient;
    key: string;
    meta: PayloadMeta<Head>;
    first: Buffer | null;
    cipher: PayloadCipher | undefined;
  }) {
    this.#redis = chunks.redis;
    this.#key = chunks.key;
    this.#meta = chunks.meta;
    this.#first = chunks.first;
    this.#cipher = chunks.cipher;
  }

  /**
   * Reads the head and the first chunk: all of a small payload, in one round trip.
   *
   * @param keys has the encryption key of a sealed payload. A payload in clear text needs none.
   * @returns undefined if there is no payload, or its writer did not finish it.
   * @throws KeyMissingError; PayloadAlteredError if the head is not what was sealed.
   */
  static async open<Head>(
    redis: RedisClient,
    key: string,
    context: AadContext,
    keys: KeySource = NO_KEYS,
  ): Promise<StoredPayload<Head> | undefined> {
    const [head, first = null] = await redis.hmgetBuffer(key, 'head', '0');
    if (!head) {
      return undefined;
    }
    const cipher = isSealed(head) ? PayloadCipher.forStored(head, context, keys) : undefined;
    const meta = unpackMeta<Head>(cipher?.openHead(head) ?? head);
    return new StoredPayload({ redis, key, meta, first, cipher });
  }

  get head(): Head {
    return this.#meta.head;
  }

  get bytes(): number {
    return this.#meta.bytes;
  }

  get sha256(): string | undefined {
    return this.#meta.sha256;
  }

  /** The whole body, or a part, in memory. @throws PayloadLostError, PayloadAlteredError */
  async body(start = 0, end = this.bytes - 1): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.read(start, end)) {
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
  }

  /**
   * The body's bytes from `start` to `end`, both included. The next chunk is fetched while one is used.
   *
   * @throws PayloadLostError if the payload has expired meanwhile; PayloadAlteredError for a chunk that is not what was sealed.
   */
  async *read(start = 0, end = this.bytes - 1): AsyncGenerator<Buffer> {
    const last = Math.min(chunkCount(this.bytes) - 1, Math.floor(end / CHUNK_BYTES));
    let index = Math.floor(start / CHUNK_BYTES);
    let next = index <= last ? this.#chunk(index) : undefined;
    while (next !== undefined) {
      const chunk = await next;
      next = index < last ? this.#chunk(index + 1) : undefined;
      // If the reader stops early, no one awaits this promise.
      next?.catch(() => undefined);
      const offset = index * CHUNK_BYTES;
      yield chunk.subarray(Math.max(0, start - offset), end + 1 - offset);
      index += 1;
    }
  }

  async #chunk(index: number): Promise<Buffer> {
    const stored =
      index === 0 && this.#first !== null
        ? this.#first
        : await this.#redis.hgetBuffer(this.#key, String(index));
    const expected = Math.min(CHUNK_BYTES, this.bytes - index * CHUNK_BYTES);
    if (stored === null) {
      throw new PayloadLostError();
    }
    const isLast = index === chunkCount(this.bytes) - 1;
    const coded = this.#cipher?.openChunk(index, isLast, stored) ?? stored;
    const chunk = this.#meta.coding === 'br' ? await decompressChunk(coded, CHUNK_BYTES) : coded;
    if (chunk.length !== expected) {
      throw new PayloadLostError();
    }
    return chunk;
  }
}
