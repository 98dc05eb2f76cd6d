// Which addresses a callback may go to, how it is signed, and when it is tried again.
import { createServer } from 'node:http';
import type { LookupAddress } from 'node:dns';
import { connect, type AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import {
  isPublicAddress,
  publicLookup,
  type Resolve,
} from '../../../plugins/async-request-reply/callbacks/public-address';
import { signedFields } from '../../../plugins/async-request-reply/callbacks/sign-webhook';
import { retryDelayMs } from '../../../plugins/async-request-reply/callbacks/callback-runner';

describe('an address', () => {
  test.each([
    '127.0.0.1',
    '127.8.8.8',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    'fc00::1',
    'fd12::1',
    'ff02::1',
    '2001:db8::1',
    '::ffff:127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:1',
    '[::1]',
    '::7f00:1',
    '100::1',
    '100:0:0:1::1',
    '4000::1',
    '1fff::1',
    'e000::1',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '2002:7f00:1::',
    '2001:0:1::1',
    'localhost',
    '',
  ])('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '::ffff:8.8.8.8', '[2606:4700::1111]'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('the lookup of a connection', () => {
  const resolving =
    (...addresses: string[]): Resolve =>
    (_host, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );

  const lookUp = (resolve: Resolve, all: boolean): Promise<string | LookupAddress[]> =>
    new Promise((done, fail) => {
      publicLookup(resolve)('host', { all }, (error, address) => (error ? fail(error) : done(address)));
    });

  test.each([[['127.0.0.1']], [['::ffff:10.0.0.1']], [['8.8.8.8', '10.0.0.1']], [['64:ff9b::a00:1']], [[]]])(
    'refuses a name that resolves to %j',
    async (addresses) => {
      const lookup = lookUp(resolving(...addresses), true);
      await expect(lookup).rejects.toMatchObject({ code: 'ARR_PRIVATE_ADDRESS' });
    },
  );

  test('rejects a name that does not resolve', async () => {
    const error = Object.assign(new Error('no'), { code: 'ENOTFOUND' });
    await expect(lookUp((_host, callback) => callback(error, []), false)).rejects.toBe(error);
  });

  test('resolves once and returns the checked address, so that a later change of the name has no effect', async () => {
    const answers = [['8.8.8.8'], ['127.0.0.1']];
    let asked = 0;
    const rebinding: Resolve = (host, callback) => resolving(...(answers[asked++] ?? []))(host, callback);
    expect(await lookUp(rebinding, false)).toBe('8.8.8.8');
    expect(asked).toBe(1);
    await expect(lookUp(rebinding, true)).rejects.toMatchObject({ code: 'ARR_PRIVATE_ADDRESS' });
  });

  test('prevents a connection if the name has become private', async () => {
    const server = createServer((_request, response) => response.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    let connections = 0;
    server.on('connection', () => connections++);
    const socket = connect({
      host: 'rebound.example',
      port: (server.address() as AddressInfo).port,
      lookup: publicLookup(resolving('127.0.0.1')),
    });
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    expect([error.code, connections]).toEqual(['ARR_PRIVATE_ADDRESS', 0]);
    await new Promise((resolve) => server.close(resolve));
  });
});

test('a signature verifies with its secret, and with no other', () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const body = '{"id":"a","text":"\u20ac"}';
  const fields = signedFields('msg_1', Math.floor(Date.now() / 1000), body, secret);
  expect(new Webhook(secret).verify(body, { ...fields })).toEqual(JSON.parse(body));
  const other = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
  expect(() => new Webhook(other).verify(body, { ...fields })).toThrow();
  expect(() => new Webhook(secret).verify(`${body} `, { ...fields })).toThrow();
});

test.each([
  [1, 0, 1000],
  [2, 0, 4000],
  [5, 0, 256_000],
  [20, 0, 14_400_000],
  [1, 5000, 5000],
  [1, 1e9, 14_400_000],
])('after %i tries, asked to wait %i ms, at most %i ms', (tries, asked, most) => {
  expect(retryDelayMs(tries, asked, () => 0)).toBe(most);
  expect(retryDelayMs(tries, 0, () => 1)).toBe(Math.min(1000 * 4 ** (tries - 1), 14_400_000) / 2);
});
