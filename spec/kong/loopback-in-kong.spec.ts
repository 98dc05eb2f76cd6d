// What only a real Kong has: its transformer, its own client certificate for a service, and its health checks, all on the
// second way of a request through Kong (upstream.mode: loopback).
import { CertificateAuthority } from '../helpers/certificates';
import { MutualTlsUpstream } from '../helpers/mutual-tls-upstream';
import { startStack, type Stack } from '../helpers/stack';
import { kongConfig } from '../helpers/stack/kong-config';
import { until } from '../helpers/until';
import { Upstream } from '../helpers/upstream';
import { reply } from '../helpers/upstream/answers';
import { useResources } from '../helpers/use-resources';

const SECRET = 'the secret of the specs: loopback';
const CERTIFICATE_ID = 'c0ffee00-0000-4000-8000-000000000000';
const SIBLING = { headers: { 'X-Async-Kong-Loopback': ['~*^v1[.]'] } };

let stack: Stack;
let ill: Upstream;
let well: Upstream;

useResources(async (resources) => {
  const authority = await resources.use(new CertificateAuthority(), (made) => made.remove());
  const mutual = await resources.use(MutualTlsUpstream.start(authority), (started) => started.stop());
  ill = await resources.use(Upstream.start(), (started) => started.stop());
  well = await resources.use(Upstream.start(), (started) => started.stop());
  stack = await resources.use(startStack({ routes: [] }), (started) => started.close());
  const { redis, keyPrefix, gateway } = stack;
  const loopback = {
    upstream: { mode: 'loopback', url: gateway.proxyUrl, loopback_secret: SECRET },
  } as const;
  const sibling = { intercept: 'never', upstream: { loopback_secret: SECRET } } as const;
  const shared = {
    queue: { name: 'kong' },
    retry: { attempts: 1, connect_attempts: 1 },
    redis: { host: redis.host, port: redis.port, key_prefix: keyPrefix },
  };
  const transformer = {
    name: 'request-transformer',
    config: {
      http_method: 'PUT',
      replace: { headers: ['Host:inside.example'] },
      add: { headers: ['X-Added:once'], querystring: ['added:1'] },
    },
  };
  const routes = [
    { name: 'changed', config: loopback },
    { name: 'changed-again', paths: ['/changed'], route: SIBLING, config: sibling, plugins: [transformer] },
    {
      name: 'mutual',
      serviceUrl: mutual.url,
      config: loopback,
      service: { client_certificate: { id: CERTIFICATE_ID } },
    },
    { name: 'balanced', serviceUrl: 'http://balanced.internal', config: loopback },
  ];
  const { cert, key } = authority.issue('kong', ['DNS:kong']);
  const certificates = [{ id: CERTIFICATE_ID, cert, key }];
  const upstreams = [
    {
      name: 'balanced.internal',
      targets: [ill, well].map(({ port }) => ({ target: `127.0.0.1:${port}` })),
      healthchecks: { passive: { unhealthy: { http_failures: 1, http_statuses: [500] } } },
    },
  ];
  const extra = { certificates, upstreams };
  await gateway.applyConfig(kongConfig({ routes, shared, extra }, stack.upstream.url));
});

test('a transformer of the sibling route changes method, Host, query and fields, once', async () => {
  const headers = { Host: 'outside.example' };
  const { id } = await stack.submit('/changed/a?b=1', { method: 'POST', body: 'c', headers });
  await until('the job to settle', async () => (await stack.poll('/changed/a', id)).status === 200);
  const [call, ...others] = stack.upstream.requests;

  expect(others).toEqual([]);
  expect([call?.method, call?.path, call?.body.toString()]).toEqual(['PUT', '/changed/a', 'c']);
  expect(new URLSearchParams(call?.target.split('?')[1])).toEqual(new URLSearchParams('added=1&b=1'));
  expect([call?.header('Host'), call?.headers('X-Added')]).toEqual(['inside.example', ['once']]);
});

test("the upstream sees the client certificate of Kong's service, whose key Kong gives to nobody", async () => {
  const response = await stack.roundTrip('/mutual/a');

  expect([response.status, response.text]).toEqual([200, 'hello kong']);
});

test('a target that a health check has found ill gets no job any more', async () => {
  ill.script('/balanced/a', reply({ status: 500 }));
  await until('a job to reach the ill target', async () => {
    await stack.roundTrip('/balanced/a');
    return ill.requests.length > 0;
  });
  await until('Kong to have seen it', async () => {
    const response = await fetch(`${stack.gateway.adminUrl}/upstreams/balanced.internal/health`);
    const { data } = (await response.json()) as { data: { target: string; health: string }[] };
    return data.some(({ target, health }) => target.endsWith(`:${ill.port}`) && health === 'UNHEALTHY');
  });
  const before = [ill.requests.length, well.requests.length];
  const responses = [];
  for (let i = 0; i < 6; i++) responses.push(await stack.roundTrip('/balanced/a'));

  expect(responses.map(({ status }) => status)).toEqual(responses.map(() => 200));
  expect([ill.requests.length, well.requests.length]).toEqual([before[0], (before[1] ?? 0) + 6]);
});
