// The requests and responses that lie beside the records. Writing and reading may be repeated; what counts is what the
// record says.
import type { ResponseHead, UpstreamRequestHead } from '../http/upstream-request';
import { requestKey, responseKey } from './keys';
import type { NewJob } from './new-job';
import { CHUNK_BYTES, chunkCount, packMeta } from './payload';
import { mediaOf } from './payload-coding';
import { StoredPayload } from './payload-reader';
import { PayloadWriter, type PayloadOptions } from './payload-writer';
import type { ScriptedRedis } from './scripts';

/** Between two writes of an upload. */
const UPLOAD_TTL_MS = 300_000;

export class JobPayloads {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** Writes a request whose body is in memory: head and chunks leave in one command. */
  async putRequest(job: Pick<NewJob, 'id' | 'openTtlMs' | 'request'>, body: Buffer): Promise<void> {
    const head = packMeta({ head: job.request, bytes: body.length });
    const chunks = Array.from({ length: chunkCount(body.length) }, (_item, index) => [
      String(index),
      body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    ]);
    const key = requestKey(this.#prefix, job.id);
    await this.#redis.arrPut(key, job.openTtlMs, '', 'head', head, ...chunks.flat());
  }

  /** The stored request, or undefined where it is gone. One round trip for head and first chunk. */
  readRequest(id: string): Promise<StoredPayload<UpstreamRequestHead> | undefined> {
    return StoredPayload.open(this.#redis, requestKey(this.#prefix, id));
  }

  /** A stored response: the record names it as its result, or nobody does. */
  readResponse(id: string, result: string): Promise<StoredPayload<ResponseHead> | undefined> {
    return StoredPayload.open(this.#redis, responseKey(this.#prefix, id, result));
  }

  /**
   * Writes a request's body while it comes in, before the job is there: `create` with the body `stored` comes after
   * it. It goes by itself where nothing is written for `UPLOAD_TTL_MS`.
   */
  writeRequest(id: string, openTtlMs: number, head: UpstreamRequestHead): PayloadWriter {
    return new PayloadWriter(this.#redis, requestKey(this.#prefix, id), {
      ...{ ttlMs: openTtlMs, writingTtlMs: Math.min(openTtlMs, UPLOAD_TTL_MS), digest: false },
      ...mediaOf(head.headers),
    });
  }

  /** Stores an attempt's response beside the record; it counts only once `settle` has named it. */
  writeResponse(
    id: string,
    result: string,
    head: ResponseHead,
    ttlMs: number,
    persist?: PayloadOptions['persist'],
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, responseKey(this.#prefix, id, result), {
      ...{ ttlMs, digest: true, ...(persist && { persist }) },
      ...mediaOf(head.headers),
    });
  }

  /** Removes a stored response that nobody is to read again. */
  async dropResponse(id: string, result: string): Promise<void> {
    await this.#redis.unlink(responseKey(this.#prefix, id, result));
  }

  /** Removes a received request that no job came of. */
  async dropRequest(id: string): Promise<void> {
    await this.#redis.unlink(requestKey(this.#prefix, id));
  }
}
