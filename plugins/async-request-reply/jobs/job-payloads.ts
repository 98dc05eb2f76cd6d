// The requests and responses that are stored beside the records. Writes and reads may be repeated. The record decides which of the
// responses is the result.
import type { ResponseHead, UpstreamRequestHead } from '../http/upstream-request';
import type { EncryptionKey, KeySource } from '../secrets/encryption-keys';
import type { KeySpace } from '../redis/keys';
import type { NewJob } from './new-job';
import { CHUNK_BYTES, chunkCount, packMeta } from '../payloads/payload';
import { PayloadCipher, type AadContext } from '../payloads/payload-cipher';
import { mediaOf } from '../payloads/payload-coding';
import { putPayload } from '../payloads/payload-scripts';
import { StoredPayload } from '../payloads/payload-reader';
import { PayloadWriter, type PayloadOptions } from '../payloads/payload-writer';
import type { RedisClient } from '../redis/redis-client';

/** Most time between two writes of an upload, and from the last one until the job is created. */
const UPLOAD_TTL_MS = 300_000;

const requestContext = (jobId: string): AadContext => ({ jobId, part: 'req' });
const responseContext = (jobId: string, result: string): AadContext => ({ jobId, part: `res:${result}` });

const cipherWith = (key: EncryptionKey | undefined, context: AadContext): PayloadCipher | undefined =>
  key && PayloadCipher.forNew(key, context);

/** How the response of an attempt is stored. */
interface ResponseOptions extends Pick<PayloadOptions, 'persist'> {
  readonly ttlMs: number;
  /** Encrypts the response; without a key it is stored in clear text. */
  readonly key?: EncryptionKey | undefined;
}

export class JobPayloads {
  readonly #redis: RedisClient;
  readonly #keys: KeySpace;

  constructor(redis: RedisClient, keys: KeySpace) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /**
   * Writes a request whose body is in memory: head and chunks in one command. A request that is stored already stays, since
   * another submit may have created the same job and a worker may be reading it.
   */
  async putRequest(job: Pick<NewJob, 'id' | 'openTtlMs' | 'request' | 'key'>, body: Buffer): Promise<void> {
    const cipher = cipherWith(job.key, requestContext(job.id));
    const packed = packMeta({ head: job.request, bytes: body.length });
    const count = chunkCount(body.length);
    const chunks = Array.from({ length: count }, (_item, index) => {
      const chunk = body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
      return [String(index), cipher?.sealChunk(index, index === count - 1, chunk) ?? chunk];
    });
    const key = this.#keys.request(job.id);
    const head = cipher?.sealHead(packed) ?? packed;
    await putPayload(this.#redis, {
      key,
      ttlMs: job.openTtlMs,
      part: 'whole',
      fields: ['head', head, ...chunks.flat()],
    });
  }

  /**
   * The stored request, or undefined if it has expired. One round trip for head and first chunk.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  readRequest(id: string, keys?: KeySource): Promise<StoredPayload<UpstreamRequestHead> | undefined> {
    return StoredPayload.open(this.#redis, this.#keys.request(id), requestContext(id), keys);
  }

  /**
   * The stored response of an attempt.
   *
   * @throws KeyMissingError, PayloadAlteredError
   */
  readResponse(
    id: string,
    result: string,
    keys?: KeySource,
  ): Promise<StoredPayload<ResponseHead> | undefined> {
    const key = this.#keys.response(id, result);
    return StoredPayload.open(this.#redis, key, responseContext(id, result), keys);
  }

  /**
   * Writes a request's body while it is received, before the job is created. `create` with the body `stored` follows and
   * extends its life. The body expires if nothing is written for `UPLOAD_TTL_MS`, or no job is created.
   */
  writeRequest(
    { id, openTtlMs, request, key }: Pick<NewJob, 'id' | 'openTtlMs' | 'request' | 'key'>,
    persist: NonNullable<PayloadOptions['persist']>,
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, this.#keys.request(id), {
      ttlMs: Math.min(openTtlMs, UPLOAD_TTL_MS),
      digest: false,
      persist,
      ...mediaOf(request.headers),
      cipher: cipherWith(key, requestContext(id)),
    });
  }

  /** Stores the response of an attempt. It is the result only once `settle` has named it. */
  writeResponse(
    id: string,
    result: string,
    head: ResponseHead,
    { ttlMs, key, persist }: ResponseOptions,
  ): PayloadWriter {
    return new PayloadWriter(this.#redis, this.#keys.response(id, result), {
      ttlMs,
      digest: true,
      persist,
      ...mediaOf(head.headers),
      cipher: cipherWith(key, responseContext(id, result)),
    });
  }

  /** Removes a stored response that is not read again. */
  async dropResponse(id: string, result: string): Promise<void> {
    await this.#redis.unlink(this.#keys.response(id, result));
  }

  /** Removes a received request of which no job was created. */
  async dropRequest(id: string): Promise<void> {
    await this.#redis.unlink(this.#keys.request(id));
  }
}
