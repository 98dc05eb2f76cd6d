// Writes a payload into Redis while it comes in. No more than a few chunks are in memory; the head, without which
// nobody reads the payload, is written with the last chunk.
import { createHash } from 'node:crypto';
import { ChunkBuffer } from './chunk-buffer';
import { chunkCount, packMeta } from './payload';
import type { PayloadCipher } from './payload-cipher';
import { compressible, compressChunk, paysOff, WORTH_COMPRESSING_BYTES } from './payload-coding';
import { PayloadLostError } from './payload-errors';
import type { ScriptedRedis } from '../redis/scripts';

export interface PayloadOptions {
  /** Life of the key, in ms, from the last write on. */
  readonly ttlMs: number;
  /** Media type and coding of the body: text is stored compressed where that pays. */
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  /** Whether the SHA-256 of the body is stored with it. */
  readonly digest: boolean;
  /** Seals what is stored. Absent: it lies there in clear. */
  readonly cipher?: PayloadCipher | undefined;
  /** Carries a write out, again and again perhaps; each may be repeated. Absent: once. */
  readonly persist?: <T>(write: () => Promise<T>) => Promise<T>;
}

export class PayloadWriter {
  readonly #redis: ScriptedRedis;
  readonly #key: string;
  readonly #options: PayloadOptions;
  readonly #buffer = new ChunkBuffer();
  readonly #hash: ReturnType<typeof createHash> | undefined;
  #coding: 'br' | undefined | 'undecided';
  #bytes = 0;
  #chunks = 0;
  #isFirst = true;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(redis: ScriptedRedis, key: string, options: PayloadOptions) {
    this.#redis = redis;
    this.#key = key;
    this.#options = options;
    this.#hash = options.digest ? createHash('sha256') : undefined;
    this.#coding = compressible(options.contentType, options.contentEncoding) ? 'undecided' : undefined;
  }

  /** Bytes that have come in. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a piece in. Resolves when the next may come: at most one chunk is on its way to Redis meanwhile. */
  async write(piece: Buffer): Promise<void> {
    this.#bytes += piece.length;
    this.#hash?.update(piece);
    for (const chunk of this.#buffer.add(piece)) {
      const fields = [String(this.#chunks), await this.#encode(chunk, false)];
      this.#chunks += 1;
      await this.#writing;
      this.#writing = this.#put(this.#options.ttlMs, fields);
      // Whoever waits next hears of a failure.
      this.#writing.catch(() => undefined);
    }
  }

  /**
   * Writes what is left, and the head.
   *
   * @throws PayloadLostError where a chunk that was written is not there any more.
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

  /** The first write replaces whatever another attempt left under the key. */
  #put(ttlMs: number, fields: readonly (string | Buffer)[]): Promise<number> {
    const first = this.#isFirst ? '1' : '';
    this.#isFirst = false;
    const write = () => this.#redis.arrPut(this.#key, Math.max(1, Math.ceil(ttlMs)), first, ...fields);
    return this.#options.persist?.(write) ?? write();
  }

  /** Compressed where that pays, then sealed. */
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
