import {
  isSignedFor,
  parseLoopbackToken,
  LOOPBACK_HEADER,
} from '../../../plugins/async-request-reply/loopback/loopback-token';
import { loopbackFields } from '../../../plugins/async-request-reply/dispatch/http/loopback-fields';

const SECRET = 'a secret of some length';
const ID = '01890a5d-ac96-774b-bcce-b302099a8057';
const ATTEMPT = {
  record: { id: ID, attempts: 2, queue: 'billing' },
  startedAt: 1_700_000_000_000,
  settings: { connectTimeoutMs: 5000 },
  keyPrefix: 'arr',
};
const HEAD = {
  method: 'POST',
  path: '/billing/a?b=1',
  target: { scheme: 'http', host: '127.0.0.1', port: 8000 } as const,
  headers: [['host', 'api.example']] as const,
};

test('an attempt that goes through Kong again has a loopback token for its own request and time', () => {
  const [[name, text] = ['', ''], ...more] = loopbackFields(
    ATTEMPT,
    HEAD,
    new Map([['upstream.loopback_secret', SECRET]]),
  );
  const marker = parseLoopbackToken(text);
  const request = { method: 'POST', uri: HEAD.path, host: 'api.example', keyPrefix: 'arr', queue: 'billing' };

  expect([name, more]).toEqual([LOOPBACK_HEADER, []]);
  expect(marker).toMatchObject({ jobId: ID, attempt: 2, endsAt: ATTEMPT.startedAt + 15_000 });
  expect(marker && isSignedFor(marker, request, SECRET)).toBe(true);
});

test('other attempts have no loopback token', () => {
  expect(loopbackFields(ATTEMPT, HEAD, new Map([['upstream.client_key', 'a key']]))).toEqual([]);
});
