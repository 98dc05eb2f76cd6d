// Reads a payload out of Redis, a chunk at a time.
import { chunkCount, CHUNK_BYTES, PayloadLostError, unpackMeta, type PayloadMeta } from './payload';
import { decompressChunk } from './payload-coding';
import type { ScriptedRedis } from './scripts';

/** A payload whose head has been read. The body may be read as often as it is there. */
export class StoredPayload<Head> {
  readonly #redis: ScriptedRedis;
  readonly #key: string;
  readonly #meta: PayloadMeta<Head>;
  readonly #first: Buffer | null;

  private constructor(redis: ScriptedRedis, key: string, meta: PayloadMeta<Head>, first: Buffer | null) {
    this.#redis = redis;
    this.#key = key;
    this.#meta = meta;
    this.#first = first;
  }

  /**
   * Reads the head and the first chunk: all of a small payload, in one round trip.
   *
   * @returns undefined where there is no payload, or one that was never finished.
   */
  static async open<Head>(redis: ScriptedRedis, key: string): Promise<StoredPayload<Head> | undefined> {
    const [head, first] = await redis.hmgetBuffer(key, 'head', '0');
    return head ? new StoredPayload(redis, key, unpackMeta<Head>(head), first ?? null) : undefined;
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

  /** The whole body, or a part, in memory. @throws PayloadLostError */
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
   * @throws PayloadLostError where the payload has gone meanwhile.
   */
  async *read(start = 0, end = this.bytes - 1): AsyncGenerator<Buffer> {
    const last = Math.min(chunkCount(this.bytes) - 1, Math.floor(end / CHUNK_BYTES));
    let index = Math.floor(start / CHUNK_BYTES);
    let next = index <= last ? this.#chunk(index) : undefined;
    while (next !== undefined) {
      const chunk = await next;
      next = index < last ? this.#chunk(index + 1) : undefined;
      // A reader that stops early leaves it: nobody is there to hear of its failure.
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
    const chunk = this.#meta.coding === 'br' ? await decompressChunk(stored, CHUNK_BYTES) : stored;
    if (chunk.length !== expected) {
      throw new PayloadLostError();
    }
    return chunk;
  }
}
