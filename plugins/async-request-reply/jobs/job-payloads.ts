// The requests and responses that lie beside the records. Writing and reading may be repeated; what counts is what the
// record says.
import type { ResponseHead, UpstreamRequestHead } from '../http/upstream-request';
import type { EncryptionKey, KeySource } from '../secrets/encryption-keys';
import { requestKey, responseKey } from '../redis/keys';
import type { NewJob } from './new-job';
import { CHUNK_BYTES, chunkCount, packMeta } from '../payloads/payload';
import { PayloadCipher, type AadContext } from '../payloads/payload-cipher';
import { mediaOf } from '../payloads/payload-coding';
import { StoredPayload } from '../payloads/payload-reader';
import { PayloadWriter, type PayloadOptions } from '../payloads/payload-writer';
import type { ScriptedRedis } from '../redis/scripts';

/** Between two writes of an upload, and from its last until its job is made. */
const UPLOAD_TTL_MS = 300_000;

const requestContext = (jobId: string): AadContext => ({ jobId, part: 'req' });
const responseContext = (jobId: string, result: string): AadContext => ({ jobId, part: `res:${result}` });

const cipherWith = (key: EncryptionKey | undefined, context: AadContext): PayloadCipher | undefined =>
  key && PayloadCipher.forNew(key, context);

/** How an attempt's response is stored. */
export interface ResponseOptions extends Pick<PayloadOptions, 'persist'> {
  readonly ttlMs: number;
  /** Encrypts it; without it, it lies there in clear. */
  readonly key?: EncryptionKey | undefined;
}

export class JobPayloads {
  readonly #redis: ScriptedRedis;
  readonly #prefix: string;

  constructor(redis: ScriptedRedis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /**
   * Writes a request whose body is in memory: head and chunks leave in one command. One that is there already stays:
   * whoever made the same job first may have it read.
   */
  async putRequest(job: Pick<NewJob, 'id' | 'openTtlMs' | 'request' | 'key'>, body: Buffer): Promise<void> {
    const cipher = cipherWith(job.key, requestContext(job.id));
    const packed = packMeta({ head: job.request, bytes: body.length });
    const count = chunkCount(body.length);
    const chunks = Array.from({ length: count }, (_item, index) => {
      const chunk = body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
      return [String(index), cipher?.sealChunk(index, index === count - 1, chunk) ?? chunk];
    });
    const key = requestKey(this.#prefix, job.id);
    const head = cipher?.sealHead(packed) ?? packed;
    await this.#redis.arrPut(key, job.openTtlMs, 'once', 'head', head, ...chunks.flat());
  }

  /**
   * The stored request, or undefined where it is gone. One round trip for head and first chunk.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  readRequest(id: string, keys?: KeySource): Promise<StoredPayload<UpstreamRequestHead> | undefined> {
    return StoredPayload.open(this.#redis, requestKey(this.#prefix, id), requestContext(id), keys);
  }

  /**
   * A stored response: the record names it as its result, or nobody does.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  readResponse(
    id: string,
    result: string,
    keys?: KeySource,
  ): Promise<StoredPayload<ResponseHead> | undefined> {
    const key = responseKey(this.#prefix, id, result);
    return StoredPayload.open(this.#redis, key, responseContext(id, result), keys);
  }

  /**
   * Writes a request's body while it comes in, before the job is there: `create` with the body `stored` comes after
   * it and prolongs its life. It goes by itself where nothing is written for `UPLOAD_TTL_MS`, and where no job comes of it.
   */
  writeRequest(
    { id, openTtlMs, request, key }: Pick<NewJob, 'id' | 'openTtlMs' | 'request' | 'key'>,
    persist: NonNullable<PayloadOptions['persist']>,
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, requestKey(this.#prefix, id), {
      ttlMs: Math.min(openTtlMs, UPLOAD_TTL_MS),
      digest: false,
      persist,
      ...mediaOf(request.headers),
      cipher: cipherWith(key, requestContext(id)),
    });
  }

  /** Stores an attempt's response beside the record; it counts only once `settle` has named it. */
  writeResponse(
    id: string,
    result: string,
    head: ResponseHead,
    { ttlMs, key, persist }: ResponseOptions,
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, responseKey(this.#prefix, id, result), {
      ttlMs,
      digest: true,
      ...(persist && { persist }),
      ...mediaOf(head.headers),
      cipher: cipherWith(key, responseContext(id, result)),
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
