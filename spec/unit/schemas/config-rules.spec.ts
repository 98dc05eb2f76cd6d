import { resolveConfig } from '../../../schemas/resolve-config';
import { problemsOf } from './problems-of';

const CERT = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
const KEY = '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----';
const TOPICS = { brokers: ['k:9092'], request_topic: 'in', reply_topic: 'out' };
const URL = 'http://127.0.0.1:8000';
const SECRET = 'x'.repeat(16);
const NODES = [{ host: '10.0.0.1', port: 26379 }];

const BROKEN: readonly (readonly [string, object, string])[] = [
  ['mode url without a URL', { upstream: { mode: 'url' } }, 'upstream.url'],
  [
    'mode loopback without a secret',
    { upstream: { mode: 'loopback', url: URL } },
    'upstream.loopback_secret',
  ],
  [
    'mode loopback without a URL',
    { upstream: { mode: 'loopback', loopback_secret: SECRET } },
    'upstream.url',
  ],
  ['a certificate without its key', { upstream: { client_cert: CERT } }, 'upstream.client_key'],
  ['a key without its certificate', { upstream: { client_key: KEY } }, 'upstream.client_cert'],
  ['a backoff over its maximum', { retry: { backoff_ms: 60001 } }, 'retry.max_backoff_ms'],
  ['a wait over its maximum', { wait: { default_ms: 20001 } }, 'wait.max_ms'],
  ['dispatch kafka without brokers', { dispatch: 'kafka' }, 'kafka'],
  ['one topic for both ways', { kafka: { ...TOPICS, reply_topic: 'in' } }, 'kafka.reply_topic'],
  [
    'half of SASL',
    { kafka: { ...TOPICS, sasl_mechanism: 'plain', sasl_username: 'u' } },
    'kafka.sasl_password',
  ],
  ['Sentinels without a master', { redis: { sentinel_nodes: NODES } }, 'redis.sentinel_master'],
  ['a master without Sentinels', { redis: { sentinel_master: 'm' } }, 'redis.sentinel_nodes'],
  [
    'Sentinel and Cluster',
    { redis: { sentinel_master: 'm', sentinel_nodes: NODES, cluster_nodes: [{}] } },
    'redis.sentinel_nodes',
  ],
  [
    'a Sentinel user without a password',
    { redis: { sentinel_master: 'm', sentinel_nodes: NODES, sentinel_username: 'u' } },
    'redis.sentinel_password',
  ],
  ['a Sentinel password without Sentinels', { redis: { sentinel_password: 'p' } }, 'redis.sentinel_master'],
  ['one query argument for two things', { id_query: 'id', result_query: 'id' }, 'result_query'],
  ['one header for two things, letter case aside', { id_header: 'Idempotency-KEY' }, 'idempotency.header'],
  [
    'a priority in the header of the delay',
    { queue: { priority_header: 'X-P', delay_header: 'x-p' } },
    'queue.delay_header',
  ],
];

describe('rules between fields', () => {
  test.each(BROKEN)('refuse %s', (_, raw, field) => {
    const problems = problemsOf(() => resolveConfig(raw));
    expect(problems.map((problem) => problem.field)).toEqual([field]);
    expect(problems[0]?.message).toMatch(new RegExp(`${field.replace('.', '\\.')}.*\\.$`));
  });

  test.each([
    ['mode url with a URL', { upstream: { mode: 'url', url: 'http://a.example' } }],
    [
      'mode loopback with a URL and a secret',
      { upstream: { mode: 'loopback', url: URL, loopback_secret: SECRET } },
    ],
    ['a secret without mode loopback', { upstream: { loopback_secret: SECRET } }],
    ['a certificate with its key', { upstream: { client_cert: CERT, client_key: KEY } }],
    ['equal bounds', { retry: { backoff_ms: 5, max_backoff_ms: 5 }, wait: { default_ms: 7, max_ms: 7 } }],
    ['dispatch kafka', { dispatch: 'kafka', kafka: TOPICS }],
    ['topics that differ in letter case', { kafka: { ...TOPICS, reply_topic: 'IN' } }],
    [
      'Sentinel',
      {
        redis: {
          sentinel_master: 'm',
          sentinel_nodes: NODES,
          sentinel_password: 'p',
          sentinel_username: 'u',
        },
      },
    ],
    ['Cluster', { redis: { cluster_nodes: [{ ip: '10.0.0.1' }] } }],
  ])('let %s pass', (_, raw) => {
    expect(() => resolveConfig(raw)).not.toThrow();
  });
});
