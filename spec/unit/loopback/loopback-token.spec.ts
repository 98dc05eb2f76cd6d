import {
  isSignedFor,
  MAX_TOKEN_LIFE_MS,
  tokenEnd,
  parseLoopbackToken,
  signLoopbackToken,
  type MarkedRequest,
  type LoopbackToken,
} from '../../../plugins/async-request-reply/loopback/loopback-token';

const SECRET = 'a secret of some length';
const CONTENT = { jobId: '01890a5d-ac96-774b-bcce-b302099a8057', attempt: 2, endsAt: 1_700_000_000_123 };
const REQUEST: MarkedRequest = {
  method: 'POST',
  uri: '/billing/a?b=%2F',
  host: 'api.example',
  keyPrefix: 'arr',
  queue: 'billing',
};

function parsed(text: string): LoopbackToken {
  const marker = parseLoopbackToken(text);
  if (marker === undefined) throw new Error(`no marker: ${text}`);
  return marker;
}

const sign = (secret = SECRET): LoopbackToken => parsed(signLoopbackToken(CONTENT, REQUEST, secret));

test('a loopback token names its job and attempt, and its expiry', () => {
  expect(sign()).toMatchObject(CONTENT);
});

test('a loopback token is valid for the request that it was signed for', () => {
  expect(isSignedFor(sign(), REQUEST, SECRET)).toBe(true);
});

test.each(['API.example', 'api.example:8000', 'api.example:'])('%s counts as the same host', (host) => {
  expect(isSignedFor(sign(), { ...REQUEST, host }, SECRET)).toBe(true);
});

test('each loopback token is different', () => {
  expect(sign().nonce).not.toBe(sign().nonce);
});

test.each<[string, Partial<MarkedRequest>]>([
  ['method', { method: 'PUT' }],
  ['path', { uri: '/billing/b?b=%2F' }],
  ['query', { uri: '/billing/a?b=/' }],
  ['host', { host: 'api.example.org' }],
  ['key prefix', { keyPrefix: 'other' }],
  ['queue', { queue: 'other' }],
  ['border between two of its parts', { method: 'POST/', uri: 'billing/a?b=%2F' }],
])('a loopback token is not valid for another %s', (_what, change) => {
  expect(isSignedFor(sign(), { ...REQUEST, ...change }, SECRET)).toBe(false);
});

test.each<[string, Partial<LoopbackToken>]>([
  ['job', { jobId: '01890a5d-ac96-774b-bcce-b302099a8058' }],
  ['attempt', { attempt: 3 }],
  ['end', { endsAt: CONTENT.endsAt + 1 }],
  ['nonce', { nonce: 'A'.repeat(22) }],
  ['signature', { mac: Buffer.alloc(32) }],
  ['length of its signature', { mac: Buffer.alloc(31) }],
])('a loopback token with another %s is invalid', (_what, change) => {
  expect(isSignedFor({ ...sign(), ...change }, REQUEST, SECRET)).toBe(false);
});

test('a loopback token is invalid under another secret', () => {
  expect(isSignedFor(sign('another secret of that length'), REQUEST, SECRET)).toBe(false);
});

test('line ends and spaces around a secret are ignored', () => {
  expect(isSignedFor(sign(`${SECRET}\r\n`), REQUEST, SECRET)).toBe(true);
});

const text = signLoopbackToken(CONTENT, REQUEST, SECRET);
test.each([
  ['nothing', ''],
  ['a word', 'v1'],
  ['another version', text.replace('v1', 'v2')],
  ['a part too few', text.split('.').slice(0, 5).join('.')],
  ['a part too many', `${text}.x`],
  ['two of them in one field', `${text}, ${text}`],
  ['an attempt that is no number', text.replace('.2.', '.two.')],
  ['a signature of another length', `${text}A`],
  ['a character that it does not have', text.replace('v1.', 'v1.\u00e9')],
])('no loopback token is read from %s', (_what, other) => {
  expect(parseLoopbackToken(other)).toBeUndefined();
});

test('a loopback token expires ten seconds after the connect timeout, and within a minute', () => {
  expect(tokenEnd(1000.5, 5000)).toBe(16_000);
  expect(tokenEnd(0, 10_000_000)).toBe(MAX_TOKEN_LIFE_MS);
});
