// Redis over TLS: a certificate that is verified, one that is not, and what each refusal looks like. The authority is a
// private one, which the plugin server knows by NODE_EXTRA_CA_CERTS (docs/redis.md).
import { CertificateAuthority, type Identity } from '../helpers/certificates';
import { freePort } from '../helpers/gateway/free-port';
import { RedisServer } from '../helpers/redis-server';
import { startSentinel } from '../helpers/redis-topology';
import { startStack, type Stack } from '../helpers/stack';
import type { PluginConfig } from '../helpers/stack/kong-config';
import type { Releasers } from '../helpers/stack/releasers';
import { until } from '../helpers/until';
import { reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';
import { nothingIsLeft } from '../helpers/use-stack';
import { useWorkers } from '../helpers/use-workers';

const NAME = 'redis.spec';

/** In the words of OpenSSL, which depend on whether Redis sends the certificate of the authority too. */
const UNKNOWN_AUTHORITY =
  /self-signed certificate in certificate chain|unable to verify the first certificate/;

/** A Redis with a TLS port beside the one for the spec's own look. */
interface TlsRedis {
  readonly server: RedisServer;
  readonly port: number;
}

let known: TlsRedis;
let stack: Stack;

const tlsSettings = (
  issuer: CertificateAuthority,
  { certFile, keyFile }: Identity,
): Record<string, string> => ({
  'tls-cert-file': certFile,
  'tls-key-file': keyFile,
  'tls-ca-cert-file': issuer.certFile,
  'tls-auth-clients': 'no',
  'tls-replication': 'yes',
});

async function startTlsRedis(resources: Releasers, issuer: CertificateAuthority): Promise<TlsRedis> {
  const port = await freePort();
  const identity = issuer.issue('redis', [`DNS:${NAME}`, 'IP:127.0.0.1']);
  const settings = { 'tls-port': String(port), ...tlsSettings(issuer, identity) };
  const server = await resources.use(RedisServer.start({ settings }), (started) => started.stop());
  return { server, port };
}

type RedisConfig = NonNullable<PluginConfig['redis']>;

const route = (
  name: string,
  { port }: TlsRedis,
  redis: RedisConfig,
): { name: string; config: PluginConfig } => ({
  name,
  config: { queue: { name }, redis: { port, ssl: true, ...redis } },
});

useResources(async (resources) => {
  const authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  const stranger = await resources.use(new CertificateAuthority(), (made) => made.remove());
  known = await startTlsRedis(resources, authority);
  const unknown = await startTlsRedis(resources, stranger);
  const tls = tlsSettings(authority, authority.issue('redis', ['IP:127.0.0.1']));
  const sentinel = await resources.use(startSentinel(tls), (started) => started.stop());
  const starting = startStack({
    redis: { isStarted: false },
    shared: { redis: { connect_timeout: 1000, read_timeout: 1000 } },
    routes: [
      route('by-host', known, { ssl_verify: true }),
      route('by-name', known, { ssl_verify: true, server_name: NAME }),
      route('wrong-name', known, { ssl_verify: true, server_name: 'other.spec' }),
      route('unknown', unknown, { ssl_verify: true }),
      route('unverified', unknown, { ssl_verify: false }),
      { name: 'sentinel', config: { redis: { ...sentinel.settings, ssl: true, ssl_verify: true } } },
    ],
    env: { NODE_EXTRA_CA_CERTS: authority.certFile },
  });
  stack = await resources.use(starting, (started) => started.close());
});

afterEach(() => nothingIsLeft(stack));

test.each([
  ['by-host', 'an authority that the process knows, for the host'],
  ['by-name', 'an authority that the process knows, for server_name'],
  ['unverified', 'an unknown authority where ssl_verify is false'],
  ['sentinel', 'an authority that the process knows, on Redis and its Sentinel'],
])('/%s: accepts, runs and replays with a certificate of %s', async (name) => {
  stack.upstream.script(`/${name}/job`, reply({ status: 201, body: 'made' }));
  const { id } = await stack.submit(`/${name}/job`, { method: 'POST', body: 'a' });
  const first = await stack.settled(`/${name}/job`, id);
  const second = await stack.poll(`/${name}/job`, id);

  expect([first.status, first.text, second.text]).toEqual([201, 'made', 'made']);
});

test('what is sent goes to the Redis that the certificate belongs to', async () => {
  await stack.roundTrip('/by-name/seen');

  const keys = await known.server.keys();
  expect(keys.filter((key) => key.includes('{by-name}'))).not.toEqual([]);
  expect(keys.filter((key) => key.includes('{wrong-name}'))).toEqual([]);
});

test.each([
  ['unknown', 'a certificate of an unknown authority', UNKNOWN_AUTHORITY],
  ['wrong-name', 'a certificate for another name than server_name', /does not match certificate's altnames/],
])('/%s: refuses %s: 503, and the log says why', async (name, _what, why) => {
  const path = `/${name}/job`;
  const response = await stack.request(path, { method: 'POST', body: 'a' });

  expect([response.status, response.json()['type']]).toEqual([
    503,
    expect.stringMatching(/store-unavailable$/),
  ]);
  expect(response.text).not.toMatch(/certificate|127\.0\.0\.1/);
  await until('the log to say why', async () => why.test(await stack.gateway.log()));
  expect(stack.upstream.callsTo(path)).toEqual([]);
});

describe('a separate worker', () => {
  const startWorker = useWorkers(() => stack);

  test('says why it cannot reach Redis', async () => {
    const tls = { ARR_REDIS_PORT: String(known.port), ARR_REDIS_SSL: 'true', ARR_REDIS_SSL_VERIFY: 'true' };
    const worker = startWorker({ ...tls, ARR_REDIS_SERVER_NAME: NAME });

    await until('the log to say why', () => UNKNOWN_AUTHORITY.test(worker.log));
  });
});
