import { privateCacheControl, replay } from '../../../plugins/async-request-reply/access/replay';

describe('Cache-Control of a replay', () => {
  it.each([
    [[], 'private'],
    [['public, max-age=60'], 'private, max-age=60'],
    [['max-age=60', 's-maxage=600'], 'private, max-age=60'],
    [['no-store'], 'no-store'],
    [['private, max-age=5'], 'private, max-age=5'],
    [['PRIVATE'], 'PRIVATE'],
    [['private="set-cookie", max-age=5'], 'private, max-age=5'],
    [['no-cache="a, b"'], 'private, no-cache="a, b"'],
  ])('of an upstream that sent %p is %p', (sent, replayed) => {
    expect(privateCacheControl(sent)).toBe(replayed);
  });
});

describe('replay', () => {
  it('keeps fields apart and in order, adds to Vary, and counts the age on', () => {
    const reply = replay(
      {
        status: 201,
        headers: [
          ['Set-Cookie', 'a=1'],
          ['Vary', 'Accept'],
          ['Age', '10'],
          ['Set-Cookie', 'b=2'],
          ['X-Async-Kong-Id', 'forged'],
        ],
      },
      Buffer.from('x'),
      5.9,
      [
        ['X-Async-Kong-Id', 'id'],
        ['Vary', 'X-Async-Kong-Id, Prefer'],
      ],
    );
    expect(reply).toEqual({
      status: 201,
      headers: [
        ['Set-Cookie', 'a=1'],
        ['Vary', 'Accept'],
        ['Set-Cookie', 'b=2'],
        ['Cache-Control', 'private'],
        ['Age', '15'],
        ['X-Async-Kong-Id', 'id'],
        ['Vary', 'X-Async-Kong-Id, Prefer'],
      ],
      body: Buffer.from('x'),
    });
  });
});
