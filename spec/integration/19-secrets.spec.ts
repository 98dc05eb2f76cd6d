// docs/architecture.md, "Keys in Redis": Redis has the fingerprints of secrets alone. The plugin server's own worker has the
// secrets from the plugin instances, a separate one from its secrets_file; who lacks one leaves its jobs to others.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CertificateAuthority, type Identity } from '../helpers/certificates';
import { MutualTlsUpstream } from '../helpers/mutual-tls-upstream';
import { redisContents } from '../helpers/redis-contents';
import { startStack, type Stack } from '../helpers/stack';
import type { Releasers } from '../helpers/stack/releasers';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';
import { useWorkers } from '../helpers/use-workers';

const LACKS = 'this worker lacks secrets';

let authority: CertificateAuthority;
let upstream: MutualTlsUpstream;
let billing: Identity;
let shipping: Identity;
let unknown: Identity;
let directory: string;

useResources(async (resources) => {
  authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  const stranger = await resources.use(new CertificateAuthority(), (made) => made.remove());
  billing = authority.issue('billing', ['DNS:billing']);
  shipping = authority.issue('shipping', ['DNS:shipping']);
  unknown = stranger.issue('unknown', ['DNS:unknown']);
  upstream = await resources.use(MutualTlsUpstream.start(authority), (started) => started.stop());
  directory = mkdtempSync(join(tmpdir(), 'arr-secrets-'));
  resources.add(() => rmSync(directory, { recursive: true, force: true }));
});

function startWith(resources: Releasers, env: Record<string, string>): Promise<Stack> {
  const route = (name: string, identity: Identity): object => ({
    name,
    serviceUrl: upstream.url,
    config: {
      queue: { name },
      retry: { attempts: 1 },
      upstream: {
        tls_verify: true,
        ca_certificates: [authority.cert],
        client_cert: identity.cert,
        client_key: identity.key,
      },
    },
  });
  const bare = { name: 'bare', serviceUrl: upstream.url, config: { retry: { attempts: 1 } } };
  const routes = [route('billing', billing), route('shipping', shipping), route('unknown', unknown), bare];
  const starting = startStack({ routes: routes as { name: string }[], env });
  return resources.use(starting, (started) => started.close());
}

/** A secrets_file with these identities; certificate and key each under a name of its own. */
function secretsFile(name: string, identities: Record<string, Identity>): string {
  const named = Object.entries(identities).flatMap(([of, { cert, key }]) => [
    [`${of}-cert`, cert],
    [`${of}-key`, key],
  ]);
  const file = join(directory, name);
  const text = Object.fromEntries(named) as Record<string, string>;
  writeFileSync(file, name.endsWith('.json') ? JSON.stringify(text) : stringify(text), { mode: 0o600 });
  return file;
}

/** A line in the middle of a key: no other text has it. */
const lineOf = (pem: string): string => pem.split('\n')[1] ?? '';

describe("the plugin server's own worker", () => {
  let stack: Stack;
  useResources(async (resources) => void (stack = await startWith(resources, {})));

  test('sends the client certificate of the route to the upstream', async () => {
    const bodies = [await stack.roundTrip('/billing/a'), await stack.roundTrip('/shipping/a')];

    expect(bodies.map(({ text }) => text)).toEqual(['hello billing', 'hello shipping']);
  });

  test.each(['/unknown', '/bare'])('is rejected by the upstream on %s', async (path) => {
    const before = upstream.callers.length;
    const response = await stack.roundTrip(path);

    expect([response.status, upstream.callers.length]).toEqual([502, before]);
  });

  test('leaves no key and no certificate in Redis', async () => {
    const { id } = await stack.submit('/billing/kept');
    await stack.settled('/billing/kept', id);
    const text = await redisContents(stack.redis);

    expect(text).toContain('upstream.client_key');
    for (const { key, cert } of [billing, shipping, unknown]) {
      expect(text).not.toContain(lineOf(key));
      expect(text).not.toContain(lineOf(cert));
    }
  });

  test('rejects a key that does not belong to the certificate, without logging either', async () => {
    const upstreamConfig = { client_cert: billing.cert, client_key: shipping.key };
    await stack.applyRoutes([{ name: 'mixed', config: { upstream: upstreamConfig } }]);
    const response = await stack.request('/mixed');
    const log = await stack.gateway.log();

    expect(response.status).toBe(500);
    expect(log).toContain(
      'upstream.client_cert and upstream.client_key are not a certificate and its private key',
    );
    expect(log).not.toContain(lineOf(shipping.key));
  });
});

describe('a separate worker', () => {
  let stack: Stack;
  useResources(async (resources) => void (stack = await startWith(resources, { ARR_WORKER_THREADS: '0' })));
  const startWorker = useWorkers(() => stack);

  test.each(['secrets.yml', 'secrets.json'])('has the secrets of its jobs from %s', async (name) => {
    startWorker({ ARR_SECRETS_FILE: secretsFile(name, { billing }) });

    expect((await stack.roundTrip('/billing/b')).text).toBe('hello billing');
  });

  test('without secrets leaves the jobs to another, and logs once what it lacks', async () => {
    const lacking = startWorker({ ARR_SECRETS_FILE: secretsFile('other.yml', { shipping }) });
    const { id } = await stack.submit('/billing/c');
    await until('the worker to say so', () => lacking.log.includes(LACKS));
    // It has checked the queues once it has run a job of its own.
    expect((await stack.roundTrip('/shipping/c')).text).toBe('hello shipping');
    const status = (await stack.request(`/billing/c?async-id=${id}`)).json();
    expect([status['state'], status['attempts']]).toEqual(['queued', 0]);

    startWorker({ ARR_SECRETS_FILE: secretsFile('all.yml', { billing, shipping }) });
    expect((await stack.settled('/billing/c', id)).text).toBe('hello billing');
    const told = lacking.log.split('\n').filter((line) => line.includes(LACKS) && line.includes('"billing"'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/upstream\.client_key \(fingerprint [0-9a-f]{32}\)/);
  });

  test('that lacks the secrets of some jobs of a queue carries out the others', async () => {
    const shared = { name: 'mixed', serviceUrl: upstream.url };
    const secret = { client_cert: billing.cert, client_key: billing.key };
    const config = { queue: { name: 'mixed' }, upstream: { tls_verify: false } };
    await stack.applyRoutes([
      { ...shared, config: { ...config, upstream: { ...config.upstream, ...secret } } },
      { name: 'plain', config: { queue: { name: 'mixed' } } },
    ]);
    const lacking = startWorker();
    expect((await stack.roundTrip('/plain/c')).status).toBe(200);
    const mixed = await stack.submit('/mixed/d');
    await until('the job to go back to the queue', async () => {
      const status = await stack.request(`/mixed/d?async-id=${mixed.id}`);
      return status.json()['state'] === 'retrying';
    });

    expect((await stack.roundTrip('/plain/d')).status).toBe(200);
    // Otherwise the two would take it alternately.
    await lacking.stop();
    startWorker({ ARR_SECRETS_FILE: secretsFile('late.yml', { billing }) });
    expect((await stack.settled('/mixed/d', mixed.id)).text).toBe('hello billing');
  });
});
