import { useResources } from '../helpers/use-resources';
import { bytesOf, KongConnection } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

interface Status {
  Events: number;
  OpenInstances: number;
  ClosedInstances: number;
  Plugins: unknown;
}

describe('plugin server, instances and events', () => {
  const { prefix, remove } = makePrefix();
  let server: ServerProcess;
  let kong: KongConnection;

  useResources(async (resources) => {
    resources.add(remove);
    const starting = ServerProcess.start(prefix);
    server = await resources.use(starting, (started) => started.kill());
  });
  beforeEach(async () => {
    kong = await KongConnection.open(server.socketPath);
  });
  afterEach(() => kong.socket.destroy());

  const status = async (): Promise<Status> =>
    (await kong.call('GetStatus', null)).result as unknown as Status;

  test('keeps no event of 50,000 that exited, returned, threw or called on after their exit', async () => {
    const ids: number[] = [];
    for (const mode of ['exit', 'pass', 'throw', 'rejectexit', 'callafterexit']) {
      ids.push(await kong.start({ mode }));
    }
    for (let round = 0; round < 100; round++) {
      const requests = Array.from({ length: 500 }, (_, i) =>
        kong.pack('HandleEvent', { InstanceId: ids[i % ids.length], EventName: 'access' }),
      );
      kong.socket.write(Buffer.concat(requests));
      for (let answered = 0; answered < 500; answered++) expect((await kong.answer()).error).toBeNull();
    }
    expect((await status()).Events).toBe(0);
  });

  test('keeps an event while Kong has its call', async () => {
    const call = await kong.event(await kong.start({ mode: 'throwafter' }));
    expect((await status()).Events).toBe(1);
    await kong.step(call, 'GET');
    expect((await status()).Events).toBe(0);
  });

  test('takes the steps of one event over any connection', async () => {
    const other = await KongConnection.open(server.socketPath);
    const first = await kong.event(await kong.start({ mode: 'four' }));
    const second = await other.step(first, 'POST');
    const third = await kong.step(second, '/p');
    const fourth = await other.step(third, { host: ['h'] }, 'StepMultiMap');
    const exit = await kong.step(fourth, Buffer.from('body'));
    expect(exit).toEqual({
      eventId: first.eventId,
      method: 'kong.response.exit',
      args: [202, '{"m":"POST","p":"/p","h":1,"b":4}', { 'content-type': 'application/json', 'x-id': 'abc' }],
    });
    other.socket.destroy();
  });

  test('sends calls that the plugin did not await one after another, and then the end of the phase', async () => {
    const one = await kong.event(await kong.start({ mode: 'logs' }), 'log');
    const two = await kong.step(one, null);
    expect([one, two].map(({ method, args }) => [method, args])).toEqual([
      ['kong.log.notice', ['one']],
      ['kong.log.notice', ['two']],
    ]);
    expect((await kong.step(two, null)).method).toBe('ret');
  });

  test('serves a closed instance', async () => {
    const id = await kong.start({ mode: 'exit' });
    const closed = await kong.call('CloseInstance', id);
    expect(closed.result).toEqual({ Name: 'js-lab', Id: id });
    expect((await kong.event(id)).method).toBe('kong.response.exit');
    expect((await kong.call('CloseInstance', id)).error).toBeNull();
  });

  test('answers an event for an instance that was closed 10,000 closes ago with 503, not with "no plugin instance"', async () => {
    const first = await kong.start({ mode: 'exit' });
    await kong.call('CloseInstance', first);
    const { ClosedInstances: before } = await status();
    for (let closed = 0; closed < 10_000; closed++) {
      await kong.call('CloseInstance', await kong.start({ mode: 'exit' }));
    }
    expect(before).toBeGreaterThan(0);
    expect((await status()).ClosedInstances).toBe(10_000);
    const { method, args } = await kong.event(first);
    expect([method, args[0]]).toEqual(['kong.response.exit', 503]);
    expect(JSON.parse(bytesOf(args[1]).toString())).toMatchObject({ status: 503 });
  });

  test.each(['HandleEvent', 'InstanceStatus', 'CloseInstance'])(
    'answers %s for an instance ID of another process with "no plugin instance"',
    async (method) => {
      const argument = method === 'HandleEvent' ? { InstanceId: 17, EventName: 'access' } : 17;
      expect((await kong.call(method, argument)).error).toBe('no plugin instance #17');
    },
  );

  test('gives no instance ID and no event ID that another process gives', async () => {
    const second = makePrefix();
    const otherServer = await ServerProcess.start(second.prefix);
    const other = await KongConnection.open(otherServer.socketPath);
    const ids = { ours: await kong.start({ mode: 'four' }), theirs: await other.start({ mode: 'four' }) };
    expect((await kong.call('HandleEvent', { InstanceId: ids.theirs, EventName: 'access' })).error).toBe(
      `no plugin instance #${ids.theirs}`,
    );
    const step = await kong.step(await other.event(ids.theirs), 'GET');
    expect([step.method, step.args[0]]).toEqual(['kong.response.exit', 503]);
    other.socket.destroy();
    await otherServer.kill();
    second.remove();
  });

  test('gives Kong the message with which the plugin refuses its configuration', async () => {
    const { error } = await kong.call('StartInstance', { Name: 'js-lab', Config: '{"mode":"unheard-of"}' });
    expect(error).toBe('no mode unheard-of');
  });

  test('tells the status of an instance', async () => {
    const id = await kong.start({ mode: 'pass' });
    expect((await kong.call('InstanceStatus', id)).result).toEqual({
      Name: 'js-lab',
      Id: id,
      StartTime: expect.any(Number) as number,
    });
  });

  test.each(['throw', 'throwafter'])(
    'answers 500 for a plugin that throws before its exit (%s)',
    async (mode) => {
      let call = await kong.event(await kong.start({ mode }));
      if (mode === 'throwafter') call = await kong.step(call, 'GET');
      expect([call.method, call.args[0]]).toEqual(['kong.response.exit', 500]);
      expect(JSON.parse(bytesOf(call.args[1]).toString())).toMatchObject({ status: 500 });
    },
  );

  test('ends a log phase whose plugin throws, as there is nothing to exit from', async () => {
    expect((await kong.event(await kong.start({ mode: 'throw' }), 'log')).method).toBe('ret');
  });

  test.each(['exitfunction', 'callfunction'])(
    'answers 500 for a value without a wire form (%s)',
    async (mode) => {
      const { method, args } = await kong.event(await kong.start({ mode }));
      expect([method, args[0]]).toEqual(['kong.response.exit', 500]);
      expect((await status()).Events).toBe(0);
    },
  );

  test('outlives a rejection that nobody handles', async () => {
    expect((await kong.event(await kong.start({ mode: 'stray' }))).args[0]).toBe(202);
    await server.logged('unhandled rejection');
    expect((await status()).Events).toBe(0);
  });

  test('logs where a plugin threw and nothing of what it said', async () => {
    await kong.event(await kong.start({ mode: 'throw' }));
    await kong.event(await kong.start({ mode: 'rejectexit' }));
    const threw = await server.logged('plugin threw');
    expect(threw).toMatchObject({
      error: { name: 'Error', frames: expect.anything() as unknown },
      phase: 'access',
    });
    await server.logged('plugin threw after its exit');
    expect(JSON.stringify(server.log)).not.toContain('secret-of-the-request');
  });
});
