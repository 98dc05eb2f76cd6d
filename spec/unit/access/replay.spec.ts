import { privateCacheControl, replayHead } from '../../../plugins/async-request-reply/access/poll/replay';

describe('Cache-Control of a replay', () => {
  test.each([
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

const STORED = {
  status: 201,
  headers: [
    ['Set-Cookie', 'a=1'],
    ['Vary', 'Accept'],
    ['Age', '10'],
    ['Set-Cookie', 'b=2'],
    ['X-Async-Kong-Id', 'forged'],
  ] as const,
};

const OURS = [
  ['X-Async-Kong-Id', 'id'],
  ['Vary', 'X-Async-Kong-Id, Prefer'],
] as const;

describe('replay', () => {
  test('keeps fields apart and in order, extends Vary, increases Age, and adds the digest', () => {
    const reply = replayHead(STORED, { ours: OURS, storedSeconds: 5.9, sha256: 'YQ==' });
    expect(reply).toEqual({
      status: 201,
      theirs: [
        ['Set-Cookie', 'a=1'],
        ['Vary', 'Accept'],
        ['Set-Cookie', 'b=2'],
      ],
      ours: [
        ['Cache-Control', 'private'],
        ['Age', '15'],
        ['Repr-Digest', 'sha-256=:YQ==:'],
        ['X-Async-Kong-Id', 'id'],
        ['Vary', 'X-Async-Kong-Id, Prefer'],
      ],
    });
  });

  test.each([
    ['of a part', { ...STORED, status: 206 }],
    ['of nothing', { ...STORED, status: 304 }],
    [
      'that the upstream has given',
      { ...STORED, headers: [['Repr-Digest', 'sha-256=:YQ==:'], ...STORED.headers] as const },
    ],
  ])('adds no digest %s', (_what, stored) => {
    const { theirs, ours } = replayHead(stored, { ours: OURS, storedSeconds: 0, sha256: 'Yg==' });
    const headers = [...theirs, ...ours];
    expect(headers).not.toContainEqual(['Repr-Digest', 'sha-256=:Yg==:']);
  });
});
