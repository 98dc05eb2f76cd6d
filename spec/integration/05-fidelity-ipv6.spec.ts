// Upstreams at an IPv6 address: the brackets are where they belong, in the URL and in Host, and nowhere else.
import { startStack, type Stack } from '../helpers/stack';
import { nothingIsLeft } from '../helpers/use-stack';
import { useResources } from '../helpers/use-resources';
import { reply } from '../helpers/upstream/answers';
import { Upstream } from '../helpers/upstream';

let upstream: Upstream;
let stack: Stack;

useResources(async (resources) => {
  upstream = await resources.use(Upstream.start('::1'), (started) => started.stop());
  const { url, port } = upstream;
  // Of a service's url Kong 3.9 takes the brackets away, and cannot connect to what is left (500).
  const service = { url: undefined, protocol: 'http', host: '[::1]', port };
  const starting = startStack({
    routes: [
      { name: 'plain', service, config: false },
      { name: 'service', service },
      { name: 'url', config: { upstream: { mode: 'url', url } } },
      { name: 'preserved', service, route: { preserve_host: true } },
      { name: 'by-url', serviceUrl: url },
    ],
  });
  stack = await resources.use(starting, (started) => started.close());
});

afterEach(() => nothingIsLeft(stack));

test.each(['service', 'url', 'by-url'])(
  'on route %s the upstream is called, with the Host of a plain route',
  async (route) => {
    upstream.script(`/${route}/x`, reply({ body: 'from ::1' }));
    const plain = await stack.request('/plain/x');
    const replay = await stack.roundTrip(`/${route}/x`);

    expect([plain.status, replay.status, replay.text]).toEqual([200, 200, 'from ::1']);
    const [direct] = upstream.callsTo('/plain/x');
    const [queued] = upstream.callsTo(`/${route}/x`);
    expect(queued?.header('Host')).toBe(direct?.header('Host'));
    expect(queued?.header('Host')).toBe(`[::1]:${upstream.port}`);
  },
);

test("the client's Host is preserved", async () => {
  expect((await stack.roundTrip('/preserved/x', { headers: { Host: 'api.example' } })).status).toBe(200);
  expect(upstream.callsTo('/preserved/x').map((call) => call.header('Host'))).toEqual(['api.example']);
});
