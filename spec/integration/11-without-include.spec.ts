// Without the nginx include the plugin reads each variable by a call of its own: the same exchange, with more calls.
import { reply } from '../helpers/upstream/answers';
import { useStack } from '../helpers/use-stack';

const stack = useStack({
  nginxInclude: false,
  routes: [
    { name: 'plain' },
    { name: 'other-header', config: { id_header: 'X-Job' } },
    { name: 'balanced', serviceUrl: 'http://a-kong-upstream' },
  ],
  extra: { upstreams: [{ name: 'a-kong-upstream', targets: [{ target: '127.0.0.1:9' }] }] },
});

test('a request is accepted, called and replayed, and the log says what would save calls', async () => {
  const path = '/plain/x';
  stack().upstream.script(
    path,
    reply({ status: 201, headers: { 'X-Latin': 'caf\xe9' }, body: Buffer.from([0, 255]) }),
  );
  const { id, response } = await stack().submit(`${path}?a=1&a=2`, {
    method: 'POST',
    headers: { 'X-Twice': ['1', '2'] },
    body: 'body',
  });
  expect(response.header('Location')).toBe(`${path}?async-id=${id}`);

  const replayed = await stack().settled(path, id);
  expect([replayed.status, replayed.header('X-Latin'), replayed.body]).toEqual([
    201,
    'caf\xe9',
    Buffer.from([0, 255]),
  ]);
  const [call] = stack().upstream.callsOf(id);
  expect(call?.target).toBe(`${path}?a=1&a=2`);
  expect(call?.headers('X-Twice')).toEqual(['1', '2']);
  expect(call?.header('X-Forwarded-Path')).toBe(path);
  expect(await stack().gateway.log()).toContain('no $arr_request');
});

test('the ID travels in the header that the route names', async () => {
  const path = '/other-header/x';
  const response = await stack().request(path);
  const id = response.header('X-Job') ?? '';
  expect([response.status, response.header('X-Async-Kong-Id')]).toEqual([202, undefined]);
  const poll = await stack().request(path, { headers: { 'X-Job': id } });
  expect(poll.header('X-Job')).toBe(id);
  expect(
    stack()
      .upstream.callsTo(path)
      .filter((call) => call.header('X-Job') === undefined),
  ).toEqual([]);
});

test('a service that points at a Kong Upstream is refused with the name of the setting to use', async () => {
  const response = await stack().request('/balanced/x', { method: 'POST', body: 'a' });
  expect(response.status).toBe(500);
  expect(response.json()).toMatchObject({
    type: 'urn:problem:async-request-reply:load-balanced-upstream',
    detail: expect.stringContaining('upstream.url') as string,
  });
});
