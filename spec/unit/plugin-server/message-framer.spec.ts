import { pack } from 'msgpackr';
import { MessageFramer } from '../../../kong/plugin-server/message-framer';
import { withCode } from './with-code';

// A message for each header that there is.
const MESSAGES = [
  'c0',
  'c2',
  'c3',
  '00',
  '7f',
  'e0',
  'ff',
  'a0',
  'a161',
  '90',
  '9101',
  '80',
  '81a16101',
  'c400',
  'c40161',
  'c5000161',
  'c60000000161',
  'd90161',
  'da000161',
  'db0000000161',
  'c7020501ff',
  'c800020501ff',
  'c9000000020501ff',
  'ca00000000',
  'cb0000000000000000',
  'cc00',
  'cd0000',
  'ce00000000',
  'cf0000000000000000',
  'd000',
  'd10000',
  'd200000000',
  'd30000000000000000',
  'd40500',
  'd5050000',
  'd60500000000',
  'd7050000000000000000',
  `d805${'00'.repeat(16)}`,
  'dc0001c0',
  'dd00000001c0',
  'de0001c0c0',
  'df00000001c0c0',
  'dc0000',
  'de0000',
].map((hex) => Buffer.from(hex, 'hex'));
const REQUEST = pack([
  0,
  1,
  'plugin.Step',
  [{ EventId: 2 ** 40, Data: { h: ['x'.repeat(300)], b: Buffer.alloc(70) } }],
]);

describe('MessageFramer', () => {
  test('cuts a stream with every kind of value where its messages end', () => {
    expect(new MessageFramer().feed(Buffer.concat(MESSAGES))).toEqual(MESSAGES);
  });

  test.each([1, 2, 3, 5, 7, 64])('finds the same messages in chunks of %i bytes', (size) => {
    const framer = new MessageFramer();
    const stream = Buffer.concat([...MESSAGES, REQUEST, ...MESSAGES]);
    const found: Buffer[] = [];
    for (let at = 0; at < stream.length; at += size) {
      found.push(...framer.feed(stream.subarray(at, at + size)));
    }
    expect(found).toEqual([...MESSAGES, REQUEST, ...MESSAGES]);
    expect(framer.isMidMessage).toBe(false);
  });

  test('finds a message cut at any byte', () => {
    for (let cut = 1; cut < REQUEST.length; cut++) {
      const framer = new MessageFramer();
      expect(framer.feed(REQUEST.subarray(0, cut))).toEqual([]);
      expect(framer.isMidMessage).toBe(true);
      expect(framer.feed(REQUEST.subarray(cut))).toEqual([REQUEST]);
    }
  });

  test('copies a message in one piece not at all, and one of 20 MiB in 64 KiB chunks once', () => {
    const concat = jest.spyOn(Buffer, 'concat');
    const framer = new MessageFramer();
    expect(framer.feed(REQUEST)[0]?.buffer).toBe(REQUEST.buffer);
    const chunk = Buffer.alloc(65_536);
    framer.feed(Buffer.from('c601400000', 'hex'));
    const found: Buffer[] = [];
    for (let fed = 0; fed < 0x1_400_000; fed += chunk.length) found.push(...framer.feed(chunk));
    expect(found.map((message) => message.length)).toEqual([0x1_400_005]);
    expect(concat).toHaveBeenCalledTimes(1);
    concat.mockRestore();
  });

  test('refuses the reserved byte', () => {
    expect(() => new MessageFramer().feed(Buffer.from('92c1c0', 'hex'))).toThrow(
      withCode('ERR_MSGPACK_MALFORMED'),
    );
  });

  test.each([
    ['a text', 'db00000400'],
    ['a binary', 'c600000400'],
    ['an ext', 'c900000400'],
    ['a list', 'dd00000400'],
    ['a map', 'df00000200'],
    ['lists that add up', 'dc0200dc01ff'],
  ])('refuses %s over the cap at its header', (_, hex) => {
    expect(() => new MessageFramer(1_024).feed(Buffer.from(hex, 'hex'))).toThrow(
      withCode('ERR_MSGPACK_TOO_LARGE'),
    );
  });

  test('refuses texts that are over the cap only together, in whatever chunks', () => {
    const text = Buffer.concat([Buffer.from('da0258', 'hex'), Buffer.alloc(600)]);
    for (const size of [text.length, 100, 1]) {
      const framer = new MessageFramer(1_024);
      const stream = Buffer.concat([Buffer.of(0x92), text, text]);
      const feedAll = (): void => {
        for (let at = 0; at < stream.length; at += size) framer.feed(stream.subarray(at, at + size));
      };
      expect(feedAll).toThrow(withCode('ERR_MSGPACK_TOO_LARGE'));
    }
  });

  test('takes a message of exactly the cap, time and again', () => {
    const framer = new MessageFramer(1_024);
    const message = Buffer.concat([Buffer.from('da03fd', 'hex'), Buffer.alloc(1_021)]);
    for (let i = 0; i < 3; i++) expect(framer.feed(message)).toHaveLength(1);
    expect(() => framer.feed(Buffer.concat([Buffer.from('da03fe', 'hex'), Buffer.alloc(1_022)]))).toThrow(
      withCode('ERR_MSGPACK_TOO_LARGE'),
    );
  });
});
