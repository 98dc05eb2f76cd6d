/**
 * The three schemas, read by a real Kong: its own for schema.lua, the copy for Konnect, and the fields that kong-pdk
 * dumps. Only a run with KONG_BIN has it (jest.config.ts); without, the unit specs compare the texts.
 *
 * `kong config parse` cannot ask a plugin server (Kong 3.9.3: "attempt to index upvalue 'kong'"), so each schema stands
 * in a folder of its own beside a handler that does nothing.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { kongSchema } from '../../schemas/kong-schema';

const ROOT = join(__dirname, '../..');
const KONG_BIN = process.env['KONG_BIN'] ?? '';
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

type Dialect = 'lua' | 'konnect' | 'javascript';

function writeSchema(dialect: Dialect, folder: string): void {
  const path = join(folder, 'schema.lua');
  if (dialect === 'lua') copyFileSync(join(ROOT, 'kong/plugins/async-request-reply/schema.lua'), path);
  if (dialect === 'konnect') copyFileSync(join(ROOT, 'kong/konnect/schema.lua'), path);
  if (dialect !== 'javascript') return;
  // As kong-pdk wraps them, and as Kong decodes what a plugin server dumps.
  const dump = JSON.stringify({
    name: 'async-request-reply',
    fields: [{ config: { type: 'record', fields: kongSchema } }],
  });
  writeFileSync(path, `return require("cjson.safe").decode([==[${dump}]==])\n`);
}

/** Kong's verdict on a declarative configuration: what `kong config parse` prints. */
function parseWithKong(folder: string, yaml: string): Promise<string> {
  const file = join(folder, 'kong.yml');
  writeFileSync(file, yaml);
  const env = {
    PATH: process.env['PATH'],
    KONG_PREFIX: join(folder, 'prefix'),
    KONG_DATABASE: 'off',
    KONG_PLUGINS: 'async-request-reply',
    KONG_LUA_PACKAGE_PATH: `${folder}/?.lua;;`,
  };
  return new Promise((resolve) => {
    execFile(KONG_BIN, ['config', 'parse', file], { env }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
}

function withPlugins(configs: readonly unknown[]): string {
  const plugins = configs.map((config) => ({
    name: 'async-request-reply',
    ...(config === undefined ? {} : { config }),
  }));
  return stringify({ _format_version: '3.0', plugins });
}

const FULL = {
  status_url: '/jobs/{id}',
  poll_queues: ['reports'],
  request: { body_schema: '{"type": "object"}', drop_headers: ['cookie'] },
  upstream: {
    mode: 'url',
    url: 'https://a.example/base',
    ca_certificates: [PEM],
    client_cert: PEM,
    client_key: PEM,
  },
  queue: { name: 'reports.v1', rate_limit: { max: 5, per_seconds: 1 }, priority_header: 'x-priority' },
  callback: {
    base_url: 'https://gateway.example',
    targets: [{ host: '*.a.example', secrets: [`whsec_${Buffer.alloc(24, 7).toString('base64')}`] }],
  },
  encryption: { keys: [Buffer.alloc(32, 1).toString('base64'), '{vault://env/arr-key}'] },
  dispatch: 'kafka',
  kafka: {
    brokers: ['k1:9092', '[::1]:9093'],
    request_topic: 'in',
    reply_topic: 'out',
    correlation_in: '/meta/id',
    sasl_mechanism: 'plain',
    sasl_username: 'u',
    sasl_password: '{vault://env/kafka}',
  },
  redis: {
    host: '::1',
    password: '{vault://env/redis}',
    sentinel_master: 'm',
    sentinel_nodes: [{ host: 'a' }, { port: 26379 }],
    sentinel_password: '{vault://env/sentinel}',
  },
};

/** Each is refused by every schema, at the named field. */
const BAD_FIELDS: readonly (readonly [string, object])[] = [
  ['intercept', { intercept: 'sometimes' }],
  ['methods', { methods: ['TRACE'] }],
  ['methods', { methods: ['get'] }],
  ['id_header', { id_header: 'a b' }],
  ['id_query', { id_query: 'a&b' }],
  ['status_url', { status_url: '/jobs' }],
  ['status_url', { status_url: '/jobs/{id}/{id}' }],
  ['status_url', { status_url: '//a/{id}' }],
  ['result_ttl_seconds', { result_ttl_seconds: 0 }],
  ['deadline_seconds', { deadline_seconds: '60' }],
  ['body_schema', { request: { body_schema: 'true' } }],
  ['url', { upstream: { url: 'http://u:p@a.example' } }],
  ['url', { upstream: { url: 'http://a.example/?b' } }],
  ['mode', { upstream: { mode: 'url' } }],
  ['loopback_secret', { upstream: { mode: 'loopback', url: 'http://127.0.0.1:8000' } }],
  ['url', { upstream: { mode: 'loopback', loopback_secret: 'x'.repeat(16) } }],
  ['client_key', { upstream: { client_cert: PEM } }],
  ['name', { queue: { name: 'a/b' } }],
  ['per_seconds', { queue: { rate_limit: { max: 1 } } }],
  ['statuses', { retry: { statuses: [200] } }],
  ['max_ms', { wait: { max_ms: 50001 } }],
  ['secrets', { callback: { targets: [{ host: 'a' }] } }],
  ['host', { callback: { targets: [{ host: 'a:1', secrets: ['{vault://env/a}'] }] } }],
  ['keys', { encryption: { keys: ['c2hvcnQ='] } }],
  ['brokers', { kafka: { request_topic: 'a', reply_topic: 'b' } }],
  [
    'correlation_in',
    { kafka: { brokers: ['a:1'], request_topic: 'a', reply_topic: 'b', correlation_in: 'a b' } },
  ],
  ['reply_topic', { kafka: { brokers: ['a:1'], request_topic: 'a', reply_topic: 'a' } }],
  ['acks', { kafka: { brokers: ['a:1'], request_topic: 'a', reply_topic: 'b', acks: 2 } }],
  ['sentinel_nodes', { redis: { sentinel_master: 'm' } }],
  ['cluster_nodes', { redis: { sentinel_master: 'm', sentinel_nodes: [{}], cluster_nodes: [{}] } }],
  ['sentinel_master', { redis: { sentinel_password: 'p' } }],
  ['key_prefix', { redis: { key_prefix: '{a}' } }],
  ['colour', { colour: 'blue' }],
];

/** What only schema.lua can say, with its JSON parser. */
const BAD_JSON: readonly (readonly [string, object])[] = [
  ['query_schema', { request: { query_schema: '{"a":}' } }],
];

/** What only Lua can say. */
const BAD_ACROSS: readonly (readonly [string, object])[] = [
  ['config.kafka', { dispatch: 'kafka' }],
  ['config.result_query', { id_query: 'a', result_query: 'a' }],
  ['config.idempotency.header', { id_header: 'IDEMPOTENCY-key' }],
  ['max_backoff_ms', { retry: { backoff_ms: 60001 } }],
  ['max_ms', { wait: { default_ms: 20001 } }],
];

const REFUSED: Record<Dialect, readonly (readonly [string, object])[]> = {
  javascript: BAD_FIELDS,
  konnect: [...BAD_FIELDS, ...BAD_ACROSS],
  lua: [...BAD_FIELDS, ...BAD_ACROSS, ...BAD_JSON],
};

/** What Kong says of each entry, in their order. */
function verdictsOf(output: string): string[] {
  return output.split(/- in entry \d+ of 'plugins':/).slice(1);
}

describe.each(['lua', 'konnect', 'javascript'] as const)('the schema for %s, in Kong', (dialect) => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'arr-schema-'));
    const plugin = join(folder, 'kong/plugins/async-request-reply');
    mkdirSync(plugin, { recursive: true });
    writeFileSync(join(plugin, 'handler.lua'), 'return { PRIORITY = 700, VERSION = "0.1.0" }\n');
    writeSchema(dialect, plugin);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['no configuration', undefined],
    ['an empty one', {}],
    ['one with everything in it', FULL],
  ])('takes %s', async (_, config) => {
    expect(await parseWithKong(folder, withPlugins([config]))).toContain('parse successful');
  });

  test('takes the sample', async () => {
    const sample = readFileSync(join(ROOT, 'schemas/generated/kong-sample.yml'), 'utf8');
    expect(await parseWithKong(folder, `_format_version: "3.0"\n${sample}`)).toContain('parse successful');
  });

  test('refuses what is bad at the field that is bad, and does not repeat it', async () => {
    const cases = REFUSED[dialect];
    const verdicts = verdictsOf(await parseWithKong(folder, withPlugins(cases.map(([, config]) => config))));
    expect(verdicts).toHaveLength(cases.length);
    for (const [index, [field, config]] of cases.entries()) {
      expect([config, verdicts[index]]).toEqual([config, expect.stringContaining(field)]);
    }
    expect(verdicts.join('')).not.toMatch(/u:p@|c2hvcnQ=/);
  });
});
