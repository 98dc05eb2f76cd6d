import { resolveConfig } from '../../../schemas/resolve-config';
import { problemsOf } from './problems-of';

const KEY = Buffer.alloc(32, 1).toString('base64');
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const WEBHOOK = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

/** A configuration with one field set, by its dotted path. */
function withField(path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.');
  return { [name]: rest.length === 0 ? value : withField(rest.join('.'), value) };
}

const BAD: readonly (readonly [string, unknown])[] = [
  ['intercept', 'sometimes'],
  ['poll_queues', ['a b']],
  ['pass_websocket', 'yes'],
  ['methods', []],
  ['methods', ['get']],
  ['methods', ['CONNECT']],
  ['methods', ['TRACE']],
  ['methods', 'GET'],
  ['id_header', 'X Id'],
  ['id_header', ''],
  ['id_query', 'a&b'],
  ['result_query', 'a=b'],
  ['status_url', '/jobs'],
  ['status_url', '/jobs/{id}/{id}'],
  ['status_url', '/jobs?id={id}'],
  ['status_url', 'jobs/{id}'],
  ['status_url', '//host/{id}'],
  ['status_url', 'https://{id}.example/jobs'],
  ['status_url', 'ftp://a.example/{id}'],
  ['on_complete', 303],
  ['result_ttl_seconds', 0],
  ['result_ttl_seconds', 2592001],
  ['deadline_seconds', 1.5],
  ['deadline_seconds', '60'],
  ['retry_after_seconds', -1],
  ['min_poll_interval_ms', -1],
  ['owner', 'user'],
  ['on_store_failure', 'ignore'],
  ['request', []],
  ['request.max_body_bytes', -1],
  ['request.body_schema', '{"type":'],
  ['request.body_schema', '[]'],
  ['request.body_schema', { type: 'object' }],
  ['request.drop_headers', ['a:b']],
  ['upstream.mode', 'direct'],
  ['upstream.url', 'reports.internal'],
  ['upstream.url', 'ftp://reports.internal'],
  ['upstream.url', 'http://user:pass@reports.internal'],
  ['upstream.url', 'http://reports.internal/?a=b'],
  ['upstream.url', 'http://reports.internal/#a'],
  ['upstream.url', 'http://reports.internal:99999'],
  ['upstream.connect_timeout', 0],
  ['upstream.tls_verify', 1],
  ['upstream.ca_certificates', ['MIIB']],
  ['upstream.loopback_secret', 'short'],
  ['queue.name', 'a/b'],
  ['queue.name', 'a'.repeat(65)],
  ['queue.concurrency', 0],
  ['queue.rate_limit', 5],
  ['queue.rate_limit.per_seconds', 0],
  ['queue.max_per_caller', -1],
  ['retry.attempts', 21],
  ['retry.statuses', [200]],
  ['retry.statuses', ['500']],
  ['breaker.open_seconds', 0],
  ['wait.max_ms', 50001],
  ['wait.on_timeout', 'fail'],
  ['idempotency.from', 'body'],
  ['callback.base_url', 'https://gateway.example/?x'],
  ['encryption.keys', []],
  ['encryption.keys', [Buffer.alloc(16).toString('base64')]],
  ['encryption.keys', [KEY.replace('=', '')]],
  ['handoff.request_threshold_bytes', 1048577],
  ['dispatch', 'amqp'],
  ['redis.host', 'redis://10.0.0.1'],
  ['redis.port', 0],
  ['redis.database', -1],
  ['redis.cluster_nodes', []],
  ['redis.min_replicas', -1],
  ['redis.key_prefix', 'a:b'],
  ['redis.key_prefix', '{a}'],
];

const GOOD: readonly (readonly [string, unknown])[] = [
  ['status_url', '/jobs/{id}'],
  ['status_url', '/{id}'],
  ['status_url', 'https://gateway.example/v1/jobs/{id}/state'],
  ['upstream.url', 'http://[::1]:8080/base'],
  ['upstream.url', 'https://reports.internal'],
  ['methods', ['QUERY', 'VERSION-CONTROL']],
  ['request.body_schema', ' {"type": "object"}\n'],
  ['encryption.keys', [KEY]],
  ['upstream.ca_certificates', [PEM]],
  ['redis.host', '::1'],
  ['redis.server_name', 'redis.internal'],
  ['queue.rate_limit', { max: 5, per_seconds: 1 }],
];

describe('resolveConfig refuses', () => {
  test.each(BAD)('%s: %j, in a sentence that names the field', (path, value) => {
    const problems = problemsOf(() => resolveConfig(withField(path, value)));
    const [problem] = problems.filter(({ field }) => field === path || field.startsWith(`${path}[`));
    expect(problem?.message).toMatch(/^[a-z_.[\]0-9]+ (must be|is) .+\.$/);
    expect(problem?.message.startsWith(problem.field)).toBe(true);
  });

  test.each(GOOD)('not %s: %j', (path, value) => {
    expect(() => resolveConfig(withField(path, value))).not.toThrow();
  });

  test('a field that it does not know, and says which it knows there', () => {
    const raw = {
      colour: 1,
      queue: { concurency: 5 },
      callback: { targets: [{ host: 'a', secrets: [WEBHOOK], port: 1 }] },
    };
    const problems = problemsOf(() => resolveConfig(raw));
    expect(problems.map(({ field }) => field).sort()).toEqual([
      'callback.targets[0].port',
      'colour',
      'queue.concurency',
    ]);
    expect(problems.find(({ field }) => field === 'queue.concurency')?.message).toContain('concurrency');
  });

  test('a record that lacks what it demands', () => {
    const raw = {
      kafka: { brokers: ['k:1'] },
      queue: { rate_limit: { max: 1 } },
      callback: { targets: [{ host: 'a' }] },
    };
    expect(problemsOf(() => resolveConfig(raw)).map(({ field }) => field)).toEqual([
      'queue.rate_limit.per_seconds',
      'callback.targets[0].secrets',
      'kafka.request_topic',
      'kafka.reply_topic',
    ]);
  });

  test.each([
    ['a secret that is no webhook secret', { host: 'a.example', secrets: ['whsec_!'] }, 'secrets[0]'],
    [
      'a secret of 23 bytes',
      { host: 'a.example', secrets: [`whsec_${Buffer.alloc(23).toString('base64')}`] },
      'secrets[0]',
    ],
    ['no secret', { host: 'a.example', secrets: [] }, 'secrets'],
    ['a host with a port', { host: 'a.example:443', secrets: [WEBHOOK] }, 'host'],
    ['a wildcard inside', { host: 'a.*.example', secrets: [WEBHOOK] }, 'host'],
    ['port 0', { host: '*.a.example', secrets: [WEBHOOK], ports: [0] }, 'ports[0]'],
  ])('a callback target with %s', (_, target, field) => {
    const problems = problemsOf(() => resolveConfig({ callback: { targets: [target] } }));
    expect(problems.map((problem) => problem.field)).toEqual([`callback.targets[0].${field}`]);
  });

  test.each([
    ['brokers', ['k1']],
    ['brokers', ['k1:70000']],
    ['brokers', []],
    ['request_topic', 'a/b'],
    ['correlation_in', '/a~2'],
    ['correlation_out', 'a b'],
    ['acks', 2],
    ['sasl_mechanism', 'gssapi'],
    ['reply_timeout', 0],
  ])('kafka.%s: %j', (name, value) => {
    const kafka = { brokers: ['k:9092'], request_topic: 'in', reply_topic: 'out', [name]: value };
    const fields = problemsOf(() => resolveConfig({ kafka })).map(({ field }) => field);
    expect(fields.some((field) => field.startsWith(`kafka.${name}`))).toBe(true);
  });

  test.each([[[]], ['text'], [5]])('%j in place of a record', (raw) => {
    expect(() => resolveConfig(raw)).toThrow('must be a record of settings');
  });

  test('everything that is wrong at once, with a stable code', () => {
    const raw = { intercept: 1, queue: { concurrency: 0 }, upstream: { mode: 'url' } };
    expect(() => resolveConfig(raw)).toThrow(
      expect.objectContaining({ code: 'config-invalid', name: 'ConfigError' }) as Error,
    );
    expect(problemsOf(() => resolveConfig(raw)).map(({ field }) => field)).toEqual([
      'intercept',
      'queue.concurrency',
      'upstream.url',
    ]);
  });

  test('an empty secret as a vault reference without a value', () => {
    const [problem] = problemsOf(() => resolveConfig({ redis: { password: '' } }));
    expect(problem?.message).toMatch(
      /^redis\.password is empty because Kong could not resolve its vault reference/,
    );
  });

  test('a vault reference that nothing has resolved', () => {
    const [problem] = problemsOf(() => resolveConfig({ encryption: { keys: ['{vault://env/arr-key}'] } }));
    expect(problem?.message).toMatch(/^encryption\.keys\[0\] is an unresolved vault reference/);
  });
});

describe('an error of resolveConfig', () => {
  const SECRET = 'hunter2-hunter2';
  test.each([
    ['a private key', { upstream: { client_key: SECRET } }],
    ['an encryption key', { encryption: { keys: [KEY, SECRET] } }],
    ['a webhook secret', { callback: { targets: [{ host: 'a', secrets: [SECRET] }] } }],
    ['a password of the wrong type', { redis: { password: [SECRET] } }],
    ['a password in a URL', { upstream: { url: `https://user:${SECRET}@a.example` } }],
    ['a password in a host', { redis: { host: `redis://:${SECRET}@a` } }],
    [
      'a Kafka password',
      { kafka: { brokers: [SECRET], request_topic: SECRET, sasl_password: { a: SECRET } } },
    ],
    ['a password where a choice stands', { owner: SECRET }],
  ])('does not repeat %s', (_, raw) => {
    const problems = problemsOf(() => resolveConfig(raw));
    expect(JSON.stringify(problems)).not.toContain(SECRET);
  });

  test('does not repeat a password that was written as a number', () => {
    const [problem] = problemsOf(() => resolveConfig({ redis: { password: 31337 } }));
    expect(problem?.message).not.toContain('31337');
  });
});
