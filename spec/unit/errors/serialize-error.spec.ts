import { Writable } from 'node:stream';
import pino from 'pino';
import { AsyncError } from '../../../plugins/async-request-reply/errors/async-error';
import { serializeError } from '../../../plugins/async-request-reply/errors/serialize-error';

/** The `err` of a line that logs this error. */
function logged(error: unknown): unknown {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  pino({ serializers: { err: serializeError } }, stream).error({ err: error }, 'failed');
  return (JSON.parse(text) as { err: unknown }).err;
}

test('a log line has type, message, stack, code and cause of an error', () => {
  const cause = Object.assign(new RangeError('too far'), { code: 'E_FAR' });
  const error = new AsyncError('store-unavailable', { detail: 'The job store does not answer.', cause });

  expect(logged(error)).toEqual({
    type: 'AsyncError',
    message: 'The job store does not answer.',
    stack: error.stack,
    code: 'store-unavailable',
    cause: { type: 'RangeError', message: 'too far', stack: cause.stack, code: 'E_FAR' },
  });
});

test('a log line has none of the other properties of an error', () => {
  const command = { name: 'hset', args: ['key', 'authorization', 'secret'] };
  const error = Object.assign(new Error('READONLY'), { command, input: 'https://h/?token=secret' });

  expect(JSON.stringify(logged(Object.assign(new Error('closed'), { cause: error })))).not.toContain(
    'secret',
  );
});

test('a log line has the errors of an AggregateError', () => {
  const errors = [new Error('refused by ::1'), new Error('refused by 127.0.0.1')];

  expect(logged(new AggregateError(errors))).toMatchObject({
    type: 'AggregateError',
    errors: errors.map(({ message }) => ({ type: 'Error', message })),
  });
});

test('the arguments of a command that Redis does not know are left out', () => {
  const error = new Error("ERR unknown command 'EVALSHA', with args beginning with: 'sha' '1' 'secret' ");

  expect(logged(error)).toMatchObject({ message: "ERR unknown command 'EVALSHA'" });
  expect(JSON.stringify(logged(error))).not.toContain('secret');
});

test('a thrown value that is no error is logged as its text', () => {
  expect(logged('closed')).toEqual({ type: 'string', message: 'closed' });
});

test('a cyclic cause ends', () => {
  const error: Error = new Error('round');
  error.cause = error;

  expect(JSON.stringify(logged(error)).length).toBeLessThan(10_000);
});

test('anything thrown can be logged, also an object without a prototype', () => {
  const bare = Object.assign(Object.create(null) as object, { message: 'bare' });

  expect(logged(bare)).toEqual({ type: 'Object', message: 'bare' });
});
