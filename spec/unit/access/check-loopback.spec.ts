import { checkLoopback } from '../../../plugins/async-request-reply/access/route/check-loopback';
import { resolveConfig } from '../../../schemas/resolve-config';

const LOOPBACK = { mode: 'loopback', url: 'http://127.0.0.1:8000', loopback_secret: 'x'.repeat(32) };

test('an instance with upstream.mode: loopback does not start if it does not send the job ID', () => {
  expect(() => checkLoopback(resolveConfig({ upstream: { ...LOOPBACK, send_id: false } }))).toThrow(
    'upstream.send_id is false, and upstream.mode is loopback, which needs the job ID',
  );
});

test.each([
  ['one that does', { upstream: LOOPBACK }],
  [
    'one that lets such requests in and sends its own elsewhere',
    { upstream: { loopback_secret: 'x'.repeat(32), send_id: false } },
  ],
])('%s starts', (_what, config) => {
  expect(() => checkLoopback(resolveConfig(config))).not.toThrow();
});
