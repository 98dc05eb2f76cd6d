import { AsyncError } from '../../../plugins/async-request-reply/errors/async-error';

test('an error about a job keeps all that it had without the job', () => {
  const details = {
    detail: 'The queue is full.',
    retryAfterSeconds: 7,
    extension: { state: 'queued' },
    headers: [['Accept', 'application/json']],
    cause: new Error('OOM'),
  } as const;
  const error = new AsyncError('queue-full', details);

  const known = error.withJobId('some-id');

  expect(error.jobId).toBeUndefined();
  expect(known).toMatchObject({
    code: 'queue-full',
    status: 503,
    message: details.detail,
    retryAfterSeconds: 7,
    extension: details.extension,
    headers: details.headers,
    cause: details.cause,
    jobId: 'some-id',
  });
});
