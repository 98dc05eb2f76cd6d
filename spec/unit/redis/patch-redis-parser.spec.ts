import fc from 'fast-check';
import {
  joinRepliesExactly,
  parserOfIoredis,
} from '../../../plugins/async-request-reply/redis/patch-redis-parser';

type ParserClass = NonNullable<ReturnType<typeof parserOfIoredis>> &
  (new (options: {
    returnBuffers: boolean;
    returnReply: (reply: unknown) => void;
    returnError: (error: unknown) => void;
  }) => { execute(piece: Buffer): void });

const Parser = parserOfIoredis() as ParserClass;

const bulk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);

/** What the parser makes of bytes that come in pieces of these lengths, over and over. */
function parsed(bytes: Buffer, lengths: readonly number[]): unknown[] {
  const replies: unknown[] = [];
  const parser = new Parser({
    returnBuffers: true,
    returnReply: (reply) => replies.push(reply),
    returnError: (error) => replies.push(error),
  });
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    // A copy, as each read of a socket is.
    parser.execute(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return replies;
}

beforeAll(() => {
  joinRepliesExactly(Parser);
  joinRepliesExactly(Parser);
});

test('replies are parsed correctly, in whatever pieces they arrive', () => {
  const reply = fc.uint8Array({ maxLength: 60 }).map((bytes) => bulk(Buffer.from(bytes)));
  const other = fc.constantFrom(':12\r\n', '+OK\r\n', '$-1\r\n', '*-1\r\n').map((text) => Buffer.from(text));
  const array = fc
    .array(fc.oneof(reply, other), { maxLength: 5 })
    .map((items) => Buffer.concat([Buffer.from(`*${items.length}\r\n`), ...items]));
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(fc.oneof(reply, other, array), { maxLength: 8 }), lengths, (replies, pieces) => {
      const bytes = Buffer.concat(replies);
      expect(parsed(bytes, pieces)).toEqual(parsed(bytes, [Math.max(1, bytes.length)]));
    }),
    { numRuns: 500 },
  );
});

test('a chunk that arrives in several reads uses no more memory than its size and its first line', () => {
  const chunk = Buffer.alloc(262_144, 'a');
  const replies = parsed(Buffer.concat(Array<Buffer>(40).fill(bulk(chunk))), [65_536]) as Buffer[];

  expect(replies).toHaveLength(40);
  for (const reply of replies) {
    expect(reply.equals(chunk)).toBe(true);
    expect(reply.buffer.byteLength).toBeLessThanOrEqual(chunk.length + 65_536);
  }
});
