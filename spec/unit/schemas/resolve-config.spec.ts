import { resolveConfig } from '../../../schemas/resolve-config';

/** Read off the table of settings by hand, so that a default changed by accident is found. */
const DEFAULTS: readonly (readonly [string, unknown])[] = [
  ['intercept', 'always'],
  ['poll_queues', undefined],
  ['forwarded_prefix', false],
  ['pass_websocket', false],
  ['methods', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']],
  ['id_header', 'X-Async-Kong-Id'],
  ['id_query', 'async-id'],
  ['result_query', 'async-view'],
  ['status_url', undefined],
  ['on_complete', 'redirect'],
  ['delete_after_read', false],
  ['result_ttl_seconds', 86400],
  ['deadline_seconds', 3600],
  ['retry_after_seconds', 1],
  ['min_poll_interval_ms', 0],
  ['owner', 'auto'],
  ['owner_header', 'authorization'],
  ['on_store_failure', 'reject'],
  ['request.max_body_bytes', 10485760],
  ['request.body_schema', undefined],
  ['request.query_schema', undefined],
  ['request.headers_schema', undefined],
  ['request.validation_timeout_ms', 200],
  ['request.drop_headers', undefined],
  ['response.max_body_bytes', 104857600],
  ['response.max_head_bytes', 32768],
  ['upstream.mode', 'service'],
  ['upstream.url', undefined],
  ['upstream.connect_timeout', 10000],
  ['upstream.attempt_timeout', 300000],
  ['upstream.tls_verify', undefined],
  ['upstream.ca_certificates', undefined],
  ['upstream.client_cert', undefined],
  ['upstream.client_key', undefined],
  ['upstream.send_id', true],
  ['upstream.loopback_secret', undefined],
  ['queue.name', undefined],
  ['queue.concurrency', 10],
  ['queue.max_pause_seconds', 300],
  ['queue.rate_limit', undefined],
  ['queue.max_waiting', 10000],
  ['queue.max_stored_bytes', 1073741824],
  ['queue.max_per_caller', 0],
  ['queue.priority_header', undefined],
  ['queue.delay_header', undefined],
  ['retry.attempts', 3],
  ['retry.connect_attempts', 10],
  ['retry.backoff_ms', 1000],
  ['retry.max_backoff_ms', 60000],
  ['retry.statuses', [408, 429, 500, 502, 503, 504]],
  ['retry.unsafe_methods', false],
  ['breaker.failures', 0],
  ['breaker.open_seconds', 30],
  ['wait.default_ms', 0],
  ['wait.max_ms', 20000],
  ['wait.max_waiting', 1000],
  ['wait.on_timeout', 'accepted'],
  ['idempotency.header', 'Idempotency-Key'],
  ['idempotency.from', 'header'],
  ['idempotency.required', false],
  ['idempotency.ttl_seconds', 86400],
  ['callback.header', 'X-Async-Callback-Url'],
  ['callback.base_url', undefined],
  ['callback.targets', []],
  ['encryption.keys', undefined],
  ['handoff.request_threshold_bytes', 65536],
  ['handoff.response_threshold_bytes', 131072],
  ['handoff.max_head_bytes', 4096],
  ['dispatch', 'http'],
  ['kafka', undefined],
  ['redis.host', '127.0.0.1'],
  ['redis.port', 6379],
  ['redis.username', undefined],
  ['redis.password', undefined],
  ['redis.database', 0],
  ['redis.ssl', false],
  ['redis.ssl_verify', false],
  ['redis.server_name', undefined],
  ['redis.connect_timeout', 2000],
  ['redis.read_timeout', 2000],
  ['redis.cluster_nodes', undefined],
  ['redis.sentinel_master', undefined],
  ['redis.sentinel_nodes', undefined],
  ['redis.sentinel_username', undefined],
  ['redis.sentinel_password', undefined],
  ['redis.min_replicas', 0],
  ['redis.key_prefix', 'arr'],
];

const RECORDS = [
  'request',
  'response',
  'upstream',
  'queue',
  'retry',
  'breaker',
  'wait',
  'idempotency',
  'callback',
].concat(['encryption', 'handoff', 'redis']);

function valueAt(config: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}

function leavesOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

describe('resolveConfig', () => {
  test.each(DEFAULTS)('gives %s its default', (path, expected) => {
    expect(valueAt(resolveConfig({}), path)).toEqual(expected);
  });

  test('knows no default beyond those of the table', () => {
    const known = DEFAULTS.filter(([, value]) => value !== undefined).map(([path]) => path);
    expect(leavesOf(resolveConfig({}), '').sort()).toEqual([...known].sort());
  });

  test.each([
    ['no configuration at all', undefined],
    ['null', null],
    ['records that are null', Object.fromEntries(RECORDS.map((name) => [name, null]))],
    ['empty records', Object.fromEntries(RECORDS.map((name) => [name, {}]))],
    ['fields that are null', { methods: null, queue: { concurrency: null, rate_limit: null }, kafka: null }],
  ])('takes %s for an empty configuration', (_, raw) => {
    expect(resolveConfig(raw)).toEqual(resolveConfig({}));
  });

  test('ignores the keys that Kong adds for itself', () => {
    const raw = {
      __plugin_id: 'bad95b6e-480c-5aef-83f5-3c65a781a1e3',
      __ws_id: '0dc6f45b-8f8d-40d2-a504-473544ee190b',
      __key__: 'plugins:async-request-reply:x::::y',
      __seq__: 72,
      route_id: 'bc4e562e-3995-5aa4-8554-c87e68bcab77',
      service_id: 'e7d1f5a7-3a60-4d45-ad4c-4a9cf9ec6c2b',
      consumer_id: 'ec6f9ab4-5b8d-4f3f-98c6-3a5ac3d8c3d4',
      plugin_instance_name: 'reports',
      $refs: { x: '{vault://env/x}' },
      redis: { password: 'p', $refs: { password: '{vault://env/password}' } },
      callback: {
        targets: [{ host: 'a.example', secrets: [SECRET], $refs: { secrets: ['{vault://env/s}'] } }],
      },
    };
    const config = resolveConfig(raw);
    expect(leavesOf(config, '').filter((path) => /_id$|__|\$refs|instance_name/.test(path))).toEqual([
      'upstream.send_id',
    ]);
    expect(config.redis.password).toBe('p');
    expect(config.callback.targets[0]).toEqual({
      host: 'a.example',
      secrets: [SECRET],
      ports: [443],
      allow_private: false,
    });
  });

  test('leaves what it was given as it is', () => {
    const raw = { route_id: 'x', queue: { name: null }, methods: ['GET', 'GET'] };
    const before = structuredClone(raw);
    resolveConfig(raw);
    expect(raw).toEqual(before);
  });

  test('gives every caller lists of its own', () => {
    const first = resolveConfig({});
    (first.retry.statuses as number[]).push(418);
    expect(resolveConfig({}).retry.statuses).not.toContain(418);
  });

  test('takes the empty table of Lua for an empty list', () => {
    expect(resolveConfig({ callback: { targets: {} } }).callback.targets).toEqual([]);
  });

  test('drops what a set holds twice', () => {
    expect(resolveConfig({ methods: ['POST', 'GET', 'POST'] }).methods).toEqual(['POST', 'GET']);
  });

  test('gives an optional record the defaults of its fields once it is there', () => {
    const kafka = { brokers: ['k1:9092', '[::1]:9093'], request_topic: 'in', reply_topic: 'out' };
    expect(resolveConfig({ dispatch: 'kafka', kafka }).kafka).toEqual({
      ...kafka,
      correlation_in: 'X-Async-Kong-Id',
      correlation_out: 'X-Async-Kong-Id',
      reply_timeout: 30000,
      ssl: false,
      acks: -1,
    });
    expect(
      resolveConfig({ redis: { cluster_nodes: [{ ip: '10.0.0.1' }, { port: 7000 }] } }).redis.cluster_nodes,
    ).toEqual([
      { ip: '10.0.0.1', port: 6379 },
      { ip: '127.0.0.1', port: 7000 },
    ]);
  });
});
