// Writes a payload to Redis while it is received. Only a few chunks are in memory. The head is written with the last chunk: without
// it the payload cannot be read.
import { createHash } from 'node:crypto';
import { ChunkBuffer } from './chunk-buffer';
import { chunkCount, packMeta } from './payload';
import type { PayloadCipher } from './payload-cipher';
import { compressible, compressChunk, paysOff, WORTH_COMPRESSING_BYTES } from './payload-coding';
import { PayloadLostError } from './payload-errors';
import { putPayload } from './payload-scripts';
import type { RedisClient } from '../redis/redis-client';

export interface PayloadOptions {
  /** Life of the key from the last write on. */
  readonly ttlMs: number;
  /** Media type and coding of the body: text is stored compressed if that pays off. */
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  /** Whether the SHA-256 of the body is stored with it. */
  readonly digest: boolean;
  /** Seals what is stored. Absent: it is stored in clear text. */
  readonly cipher?: PayloadCipher | undefined;
  /** Runs a write, and may repeat it. Absent: each write runs once. */
  readonly persist?: (<T>(write: () => Promise<T>) => Promise<T>) | undefined;
}

export class PayloadWriter {
  readonly #redis: RedisClient;
  readonly #key: string;
  readonly #options: PayloadOptions;
  readonly #buffer = new ChunkBuffer();
  readonly #hash: ReturnType<typeof createHash> | undefined;
  #coding: 'br' | undefined | 'undecided';
  #bytes = 0;
  #chunks = 0;
  #isFirst = true;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(redis: RedisClient, key: string, options: PayloadOptions) {
    this.#redis = redis;
    this.#key = key;
    this.#options = options;
    this.#hash = options.digest ? createHash('sha256') : undefined;
    this.#coding = compressible(options.contentType, options.contentEncoding) ? 'undecided' : undefined;
  }

  /** Bytes received so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a piece. Resolves when the next one may be added: at most one chunk is on its way to Redis meanwhile. */
  async write(piece: Buffer): Promise<void> {
    this.#bytes += piece.length;
    this.#hash?.update(piece);
    for (const chunk of this.#buffer.add(piece)) {
      const fields = [String(this.#chunks), await this.#encode(chunk, false)];
      this.#chunks += 1;
      await this.#writing;
      this.#writing = this.#put(this.#options.ttlMs, fields);
      // The next await of it throws a failure.
      this.#writing.catch(() => undefined);
    }
  }

  /**
   * Writes the last chunk and the head.
   *
   * @throws PayloadLostError if a chunk that was written has expired.
   */
  async finish(head: unknown): Promise<void> {
    const last = this.#buffer.rest();
    const fields: (string | Buffer)[] =
      last === undefined ? [] : [String(this.#chunks), await this.#encode(last, true)];
    const sha256 = this.#hash?.digest('base64');
    const coding = this.#coding === 'br' ? this.#coding : undefined;
    const packed = packMeta({
      head,
      bytes: this.#bytes,
      ...(sha256 && { sha256 }),
      ...(coding && { coding }),
    });
    const meta = this.#options.cipher?.sealHead(packed) ?? packed;
    await this.#writing;
    const fieldCount = await this.#put(this.#options.ttlMs, ['head', meta, ...fields]);
    if (fieldCount !== chunkCount(this.#bytes) + 1) {
      throw new PayloadLostError();
    }
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    if (!this.#isFirst) {
      await this.#writing.catch(() => undefined);
      await this.#redis.unlink(this.#key);
    }
  }

  /** The first write replaces what an earlier attempt has left under the key. */
  #put(ttlMs: number, fields: readonly (string | Buffer)[]): Promise<number> {
    const part = this.#isFirst ? 'first' : 'next';
    this.#isFirst = false;
    const write = (): Promise<number> =>
      putPayload(this.#redis, { key: this.#key, ttlMs: Math.max(1, Math.ceil(ttlMs)), part, fields });
    return this.#options.persist?.(write) ?? write();
  }

  /** Compresses the chunk if that pays off, then seals it. */
  async #encode(chunk: Buffer, isLast: boolean): Promise<Buffer> {
    const coded = await this.#compress(chunk);
    return this.#options.cipher?.sealChunk(this.#chunks, isLast, coded) ?? coded;
  }

  async #compress(chunk: Buffer): Promise<Buffer> {
    if (this.#coding === 'undecided' && chunk.length < WORTH_COMPRESSING_BYTES) {
      this.#coding = undefined;
    }
    if (this.#coding === undefined) {
      return chunk;
    }
    const compressed = await compressChunk(chunk);
    if (this.#coding === 'undecided') {
      this.#coding = paysOff(chunk.length, compressed.length) ? 'br' : undefined;
    }
    return this.#coding === 'br' ? compressed : chunk;
  }
}
