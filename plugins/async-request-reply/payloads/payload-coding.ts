// Compression of stored text, chunk by chunk, so that a range can be read without the chunks before it. It is not visible outside:
// bodies are returned as they were received. It uses Brotli, which every supported Node.js has.
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { promisify } from 'node:util';
import { fieldValue } from '../http/fields';
import type { HeaderField } from '../http/reply';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** The fastest quality. It makes machine-written text ten times smaller already. */
const QUALITY = 1;

/** A chunk is stored compressed only if it shrinks to this part of its size. */
const WORTHWHILE = 0.8;

/** Smaller bodies are stored uncompressed. */
export const WORTH_COMPRESSING_BYTES = 4096;

const TEXT =
  /^(text\/|application\/([\w.-]+\+)?(json|xml)\b|application\/(javascript|x-ndjson|x-www-form-urlencoded|graphql)\b|image\/svg)/i;

/** Whether compression may pay off for a body of this type: text that is not compressed already. */
export const compressible = (contentType: string | undefined, contentEncoding: string | undefined): boolean =>
  contentType !== undefined &&
  TEXT.test(contentType) &&
  (contentEncoding === undefined || contentEncoding.toLowerCase() === 'identity');

export const paysOff = (bytes: number, compressedBytes: number): boolean =>
  compressedBytes <= bytes * WORTHWHILE;

/** Runs in zlib's threads, off the event loop. */
export const compressChunk = (chunk: Buffer): Promise<Buffer> =>
  compress(chunk, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: chunk.length,
    },
  });

/** @param maxBytes of a chunk: a compression bomb cannot fill the memory. */
export const decompressChunk = (chunk: Buffer, maxBytes: number): Promise<Buffer> =>
  decompress(chunk, { maxOutputLength: maxBytes });

/** What a message's fields say of its body. */
export function mediaOf(headers: readonly HeaderField[]): {
  contentType: string | undefined;
  contentEncoding: string | undefined;
} {
  return {
    contentType: fieldValue(headers, 'content-type') || undefined,
    contentEncoding: fieldValue(headers, 'content-encoding') || undefined,
  };
}
