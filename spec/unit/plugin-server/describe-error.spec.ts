import { describeError } from '../../../kong/plugin-server/describe-error';

describe('describeError', () => {
  test('describes class, code and position of an error, never its message', () => {
    const error = Object.assign(new RangeError('secret\n    at secret (secret:1)'), {
      code: 'E_X',
      body: 'secret',
    });
    const described = describeError(error);
    expect(described).toMatchObject({ name: 'RangeError', code: 'E_X' });
    expect(described.frames?.join()).toContain('describe-error.spec.ts');
    expect(JSON.stringify(described)).not.toContain('secret');
  });

  test('includes the code of a cause', () => {
    const cause = Object.assign(new Error('secret'), { code: 'ECONNREFUSED' });
    expect(describeError(new Error('outer', { cause }))).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  });

  test.each(['secret', undefined, null, { secret: 'secret' }])('includes only the type of %p', (thrown) => {
    expect(describeError(thrown)).toEqual({ name: typeof thrown });
  });
});
