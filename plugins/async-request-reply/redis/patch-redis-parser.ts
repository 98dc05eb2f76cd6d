// Keeps ioredis 5 from hoarding memory. Its parser (redis-parser 3) joins a reply that comes in several reads in a buffer of
// its own, which every few replies is allocated anew and larger: 20 MiB after 256 MiB of chunks, and up to 111 MiB, held for
// good. Here such a reply is joined in a buffer of its size before the parser does it. ioredis 6 has another parser, which
// does just that: with it this module goes.

/** A parser in the midst of a reply (redis-parser/lib/parser.js). */
interface Parser {
  readonly optionReturnBuffers: boolean;
  /** Where the string ends, its `\r\n` included, counted from the beginning of the first piece; 0: none is under way. */
  readonly bigStrSize: number;
  /** What has come of it. */
  totalChunkSize: number;
  bufferCache: Buffer[];
  execute(this: Parser, piece: Buffer): void;
}

/** `\r\n` */
const END_BYTES = 2;

const patched = new WeakSet<object>();

/** Has every parser of this kind join its replies so. Idempotent. */
export function joinRepliesExactly({ prototype }: { readonly prototype: Parser }): void {
  if (patched.has(prototype)) {
    return;
  }
  patched.add(prototype);
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with the parser that it is called on
  const { execute } = prototype;
  prototype.execute = function (piece) {
    const missing = this.bigStrSize - this.totalChunkSize;
    const isEnd = this.optionReturnBuffers && this.bigStrSize > 0 && piece.length >= missing;
    execute.call(this, isEnd ? joined(this, piece, missing) : piece);
  };
}

/** @returns what is left of the piece: the parser then has the string in one piece, and takes it as it is. */
function joined(parser: Parser, piece: Buffer, missing: number): Buffer {
  const last = piece.subarray(0, Math.max(0, missing - END_BYTES));
  parser.bufferCache = [Buffer.concat([...parser.bufferCache, last])];
  parser.totalChunkSize += last.length;
  return piece.subarray(last.length);
}

/** The parser that this ioredis came with; undefined where it is another. */
export function parserOfIoredis(): { readonly prototype: Parser } | undefined {
  try {
    const file = require.resolve('redis-parser', { paths: [require.resolve('ioredis')] });
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- a dependency's own
    return require(file) as { readonly prototype: Parser };
  } catch {
    return undefined;
  }
}
