import { AsyncError } from '../../../plugins/async-request-reply/errors/async-error';
import { serializeError } from '../../../plugins/async-request-reply/errors/serialize-error';

describe('the log of an error', () => {
  it('has its type, code, message and stack, and those of its cause', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = new AsyncError('store-unavailable', { detail: 'The store is down.', cause });
    expect(serializeError(error)).toEqual({
      type: 'AsyncError',
      code: 'store-unavailable',
      message: 'The store is down.',
      stack: error.stack,
      cause: {
        type: 'Error',
        code: 'ECONNREFUSED',
        message: 'connect ECONNREFUSED',
        stack: cause.stack,
      },
    });
  });

  it('has none of its other properties, such as the arguments of a Redis command', () => {
    const error = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['secret'] } });
    expect(JSON.stringify(serializeError(error))).not.toContain('secret');
  });

  it('has every error of an AggregateError', () => {
    const error = new AggregateError([new Error('first'), 'second'], 'both');
    expect(serializeError(error).errors).toMatchObject([
      { message: 'first' },
      { type: 'string', message: 'second' },
    ]);
  });

  it('ends, even if an error is its own cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(() => JSON.stringify(serializeError(error))).not.toThrow();
  });
});
