import { randomBytes } from 'node:crypto';
import { checkConfig } from '../../../plugins/async-request-reply/access/route/check-config';
import { ConfigError } from '../../../schemas/config-error';
import { resolveConfig } from '../../../schemas/resolve-config';

const newKey = (): string => randomBytes(32).toString('base64');
const FIRST = newKey();
const SECOND = newKey();
const LOOPBACK = { mode: 'loopback', url: 'http://127.0.0.1:8000', loopback_secret: 'x'.repeat(32) };
const KAFKA = { dispatch: 'kafka', kafka: { brokers: ['k:9092'], request_topic: 'in', reply_topic: 'out' } };

const PEM = (label: string): string => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
const CLIENT = { client_cert: PEM('CERTIFICATE'), client_key: PEM('PRIVATE KEY') };

/** The error with which an instance does not start. */
function errorOf(config: object): ConfigError {
  try {
    checkConfig(resolveConfig(config));
  } catch (error) {
    if (error instanceof ConfigError) {
      return error;
    }
    throw error;
  }
  throw new Error('the configuration has no problem');
}

describe('a plugin instance starts', () => {
  it.each([
    ['with the defaults', {}],
    ['with several keys', { encryption: { keys: [FIRST, SECOND] } }],
    ['with schemas that compile', { request: { body_schema: '{"type":"object"}', query_schema: '{}' } }],
    ['through Kong again, if it sends the job ID', { upstream: LOOPBACK }],
    [
      'without sending the job ID, if it only lets loopback requests of others in',
      { upstream: { loopback_secret: 'x'.repeat(32), send_id: false } },
    ],
  ])('%s', (_case, config) => {
    expect(() => checkConfig(resolveConfig(config))).not.toThrow();
  });
});

describe('a plugin instance does not start', () => {
  it.each([
    ['with a setting that is not yet implemented', KAFKA, 'dispatch: kafka is not available in this release'],
    [
      'through Kong again without sending the job ID',
      { upstream: { ...LOOPBACK, send_id: false } },
      'upstream.send_id is false, and upstream.mode is loopback, which needs the job ID',
    ],
    [
      'with a client certificate that cannot be read',
      { upstream: CLIENT },
      'upstream.client_cert and upstream.client_key are not a certificate and its private key',
    ],
    [
      'with a key whose last character holds bits that are none of its bytes',
      { encryption: { keys: [`${Buffer.alloc(32).toString('base64').slice(0, 42)}B=`] } },
      'encryption.keys[0] is not 32 bytes in base64',
    ],
    [
      'with a schema that does not compile',
      { request: { headers_schema: '{"typo":1}' } },
      'request.headers_schema does not compile',
    ],
  ])('%s', (_case, config, message) => {
    expect(errorOf(config).message).toContain(message);
  });

  it('with the same key twice, which the message names by its position and not by its value', () => {
    const { message } = errorOf({ encryption: { keys: [FIRST, SECOND, FIRST] } });
    expect(message).toContain('encryption.keys[2] is the same as encryption.keys[0]. Leave one of them out.');
    expect(message).not.toContain(FIRST);
  });

  it('with problems of several settings, which one error lists all', () => {
    const error = errorOf({
      ...KAFKA,
      upstream: { ...LOOPBACK, ...CLIENT, send_id: false },
      encryption: { keys: [FIRST, FIRST] },
      request: { body_schema: '{"typo":1}', query_schema: '{"typo":1}' },
    });
    expect(error.problems.map(({ field }) => field)).toEqual([
      'dispatch: kafka',
      'upstream.client_key',
      'encryption.keys[1]',
      'upstream.send_id',
      'request.body_schema',
      'request.query_schema',
    ]);
    error.problems.forEach(({ message }) => expect(error.message).toContain(message));
  });
});
