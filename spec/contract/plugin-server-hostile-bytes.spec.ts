import { luaPack } from '../gateway/rpc/lua-pack';
import { useResources } from '../helpers/use-resources';
import { bytesOf, KongConnection } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

// Each of these ends kong-js-pluginserver, or mangles what passes through it (docs/kong.md).
describe('plugin server under hostile bytes', () => {
  const { prefix, remove } = makePrefix();
  let server: ServerProcess;
  let kong: KongConnection;

  useResources(async (resources) => {
    resources.add(remove);
    const starting = ServerProcess.start(prefix, { env: { ARR_LOG_LEVEL: 'debug' } });
    server = await resources.use(starting, (started) => started.kill());
  });
  beforeEach(async () => {
    kong = await KongConnection.open(server.socketPath);
  });
  afterEach(() => kong.socket.destroy());

  const expectServing = async (): Promise<void> => {
    const other = await KongConnection.open(server.socketPath);
    const { method } = await other.event(await other.start({ mode: 'exit' }));
    expect(method).toBe('kong.response.exit');
    other.socket.destroy();
  };

  test.each(['StepMultiMap', 'Step'])(
    'takes a header or argument named __proto__ for any other (%s)',
    async (how) => {
      const call = await kong.event(await kong.start({ mode: 'echoheaders' }));
      const headers = new Map([
        ['__proto__', ['x']],
        ['constructor', ['y']],
        ['x-name', ['z']],
      ]);
      const { args } = await kong.step(call, headers, how);
      expect(JSON.parse(bytesOf(args[1]).toString())).toEqual(
        JSON.parse('{"__proto__":["x"],"constructor":["y"],"x-name":["z"]}'),
      );
    },
  );

  test('keeps every byte of a header value, in both directions', async () => {
    const everyByte = String.fromCharCode(...Array.from({ length: 255 }, (_, i) => i + 1));
    const call = await kong.event(await kong.start({ mode: 'echoheaders' }));
    const { args } = await kong.step(call, { 'x-name': [everyByte] }, 'StepMultiMap');
    expect(args[2]).toEqual({ 'x-copy': [everyByte] });
  });

  test('keeps every byte of a body, in both directions', async () => {
    const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256));
    const call = await kong.event(await kong.start({ mode: 'echobody' }));
    const { args } = await kong.step(call, body);
    expect(bytesOf(args[1]).equals(body)).toBe(true);
  });

  test.each(['Grüße', 'Grüße ✓', 'plain'])('reads a configuration as UTF-8: %s', async (message) => {
    const utf8 = Buffer.from(JSON.stringify({ mode: 'configtext', message })).toString('latin1');
    const { args } = await kong.event(await kong.start(utf8));
    expect(args[1]).toBe(Buffer.from(message).toString('latin1'));
  });

  test('answers each of several requests in one chunk', async () => {
    const id = await kong.start({ mode: 'exit' });
    const event = { InstanceId: id, EventName: 'access' };
    kong.socket.write(Buffer.concat([1, 2, 3].map(() => kong.pack('HandleEvent', event))));
    const answers = [await kong.answer(), await kong.answer(), await kong.answer()];
    expect(answers.map((answer) => answer.id)).toEqual([2, 3, 4]);
  });

  test('answers a request that comes one byte at a time', async () => {
    const id = await kong.start({ mode: 'exit' });
    for (const byte of kong.pack('HandleEvent', { InstanceId: id, EventName: 'access' })) {
      await new Promise((written) => kong.socket.write(Buffer.of(byte), written));
    }
    expect((await kong.answer()).error).toBeNull();
  });

  test.each([
    ['a reserved byte', Buffer.of(0xc1)],
    ['a value that is no request', luaPack({ a: 1 })],
    ['an answer', luaPack([1, 1, null, null])],
    ['a map with a list for a key', Buffer.from('940001c08191c0c0', 'hex')],
    ['nesting without end', Buffer.alloc(2_000, 0x91)],
    ['a count of four thousand million', Buffer.from('ddffffffff', 'hex')],
    ['a text of four thousand million bytes', Buffer.from('9400dbffffffff', 'hex')],
  ])('hangs up on %s and on nobody else', async (_, bytes) => {
    const bystander = await KongConnection.open(server.socketPath);
    const id = await bystander.start({ mode: 'four' });
    const call = await bystander.event(id);
    kong.socket.write(Buffer.concat([bytes, Buffer.of(0xc1)]));
    await kong.closed;
    expect((await bystander.step(call, 'GET')).method).toBe('kong.request.get_path_with_query');
    bystander.socket.destroy();
  });

  test('says in its log that it hung up, and nothing of what came', async () => {
    kong.socket.write(Buffer.from('\xc1secret-payload', 'latin1'));
    await kong.closed;
    await server.logged('unreadable message, connection closed');
    expect(JSON.stringify(server.log)).not.toContain('secret-payload');
  });

  // A unix socket is reset when its peer closes it with answers unread; so many that Node does not read them ahead.
  test('outlives a connection that is reset in the middle of a request', async () => {
    const id = await kong.start({ mode: 'exit' });
    kong.socket.pause();
    const request = kong.pack('HandleEvent', { InstanceId: id, EventName: 'access' });
    const requests = Array.from({ length: 1_000 }, () => request);
    kong.socket.write(Buffer.concat([...requests, request.subarray(0, 20)]));
    await expectServing();
    kong.socket.destroy();
    await server.logged('connection lost');
    await expectServing();
  });

  test('outlives a client that leaves before its answer', async () => {
    const id = await kong.start({ mode: 'exit' });
    for (let i = 0; i < 50; i++) {
      kong.socket.write(kong.pack('HandleEvent', { InstanceId: id, EventName: 'access' }));
    }
    kong.socket.destroy();
    await expectServing();
  });

  test.each([
    ['plugin.nothing', 'no RPC method plugin.nothing'],
    ['plugin.constructor', 'no RPC method plugin.constructor'],
    ['plugin.SetPluginDir', 'no RPC method plugin.SetPluginDir'],
    ['other.Step', 'no RPC method other.Step'],
  ])('refuses the method %s with an error', async (method, error) => {
    kong.socket.write(luaPack([0, 1, method, ['/tmp']]));
    expect((await kong.answer()).error).toBe(error);
  });

  test.each([
    ['HandleEvent', null],
    ['HandleEvent', { InstanceId: 'x', EventName: 'access' }],
    ['Step', 7],
    ['StartInstance', { Name: 'js-lab' }],
    ['StartInstance', { Name: 'js-lab', Config: '{' }],
    ['StartInstance', { Name: '__proto__', Config: '{}' }],
    ['CloseInstance', null],
  ])('answers %s with a wrong argument by an error', async (method, argument) => {
    expect((await kong.call(method, argument)).error).toEqual(expect.any(String));
    await expectServing();
  });
});
