// Compression of stored text, chunk by chunk, so that a range can be read without what stands before it. Nothing of it
// is seen outside: bodies come out as they came in. Brotli, since every supported Node.js has it.
import { brotliCompress, brotliDecompress, constants } from 'node:zlib';
import { promisify } from 'node:util';
import { fieldValue } from '../http/fields';
import type { HeaderField } from '../http/reply';

const compress = promisify(brotliCompress);
const decompress = promisify(brotliDecompress);

/** The fastest: on text of machines it takes nine tenths away already. */
const QUALITY = 1;

/** Less than this saved is not worth reading it back. */
const WORTHWHILE = 0.8;

/** Smaller bodies are stored as they are. */
export const WORTH_COMPRESSING_BYTES = 4096;

const TEXT =
  /^(text\/|application\/([\w.-]+\+)?(json|xml)\b|application\/(javascript|x-ndjson|x-www-form-urlencoded|graphql)\b|image\/svg)/i;

/** Whether a body of this type may be worth it: text that is not compressed already. */
export const compressible = (contentType: string | undefined, contentEncoding: string | undefined): boolean =>
  contentType !== undefined &&
  TEXT.test(contentType) &&
  (contentEncoding === undefined || contentEncoding.toLowerCase() === 'identity');

export const paysOff = (bytes: number, compressedBytes: number): boolean =>
  compressedBytes <= bytes * WORTHWHILE;

/** In zlib's threads, off the event loop. */
export const compressChunk = (chunk: Buffer): Promise<Buffer> =>
  compress(chunk, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: chunk.length,
    },
  });

/** @param maxBytes a chunk is never longer: a stored bomb cannot fill the memory. */
export const decompressChunk = (chunk: Buffer, maxBytes: number): Promise<Buffer> =>
  decompress(chunk, { maxOutputLength: maxBytes });

/** What a message's fields say of its body. */
export function mediaOf(headers: readonly HeaderField[]): { contentType?: string; contentEncoding?: string } {
  const contentType = fieldValue(headers, 'content-type');
  const contentEncoding = fieldValue(headers, 'content-encoding');
  return { ...(contentType && { contentType }), ...(contentEncoding && { contentEncoding }) };
}
