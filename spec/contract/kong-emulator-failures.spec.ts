// What a client gets when the plugin server fails: most often the upstream's answer, for Kong fails open. Seen on Kong
// 3.9.3, and with KONG_BIN.
import net from 'node:net';
import { pack } from 'msgpackr';
import { startKongFixture, stockPluginServer, type KongFixture } from './kong-emulator-fixture/kong-fixture';
import { ScriptedServer, usual, type KongMessage } from './kong-emulator-fixture/scripted-server';
import { until } from '../helpers/until';
import { useResources } from '../helpers/use-resources';

/** Longer than an answer takes on a busy machine. */
const TIMEOUT_MS = 1500;
const start = (message: KongMessage): boolean => message.method === 'StartInstance';

describe('an answer of the plugin server', () => {
  let server: ScriptedServer;
  let fixture: KongFixture;

  useResources(async (resources) => {
    server = await resources.use(ScriptedServer.start(), (started) => started.stop());
    const pluginServer = { ...stockPluginServer(), socketPath: server.socketPath };
    const starting = startKongFixture(
      { lab: { lab: { mode: 'exit' } } },
      { pluginServer, pluginTimeoutMs: TIMEOUT_MS },
    );
    fixture = await resources.use(starting, (started) => started.stop());
  });

  beforeEach(async () => {
    // Instances of the test before are forgotten with the configuration.
    await fixture.gateway.applyConfig(fixture.configWith({ lab: { lab: { mode: 'exit' } } }));
    server.onMessage = usual;
    server.messages.length = 0;
    fixture.upstream.seen.length = 0;
  });

  /** Answers the events of the plugin in a way of its own. */
  const onEvent = (reply: (message: KongMessage) => void): void => {
    server.onMessage = (message) => (message.method === 'HandleEvent' ? reply(message) : usual(message));
  };

  test.each<[string, (message: KongMessage) => void]>([
    ['an RPC error', (message) => message.fail('it went wrong')],
    ['no answer, and a closed connection', (message) => message.hangUp()],
    ['no answer until the timeout', () => undefined],
    ['a nil result', (message) => message.answer(null)],
    ['the end of the event', (message) => message.answer({ EventId: 1, Data: 'ret' })],
  ])('%s: Kong proxies the request', async (_what, reply) => {
    onEvent(reply);
    expect((await fixture.send('lab')).status).toBe(200);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test.each<[string, (message: KongMessage) => void]>([
    ['an answer with another message ID', ({ id, send }) => send(pack([1, id + 1, null, {}]))],
    ['a message that is not an answer', ({ id, send }) => send(pack([0, id, 'plugin.Foo', []]))],
    ['bytes that are not MsgPack', ({ send }) => send(Buffer.from([0xc1]))],
    [
      'half an answer, and a closed connection',
      (message) => {
        message.send(pack([1, message.id, null, { Data: 'ret' }]).subarray(0, 6));
        message.hangUp();
      },
    ],
    ['a step without a PDK call', (message) => message.answer({ EventId: 1 })],
  ])('%s: Kong responds with 500', async (_what, reply) => {
    onEvent(reply);
    expect((await fixture.send('lab')).status).toBe(500);
    expect(fixture.upstream.seen).toHaveLength(0);
  });

  test('an error of StartInstance: Kong responds with 500', async () => {
    server.onMessage = (message) => message.fail('no such plugin');
    expect((await fixture.send('lab')).status).toBe(500);
  });

  test('a notification before the answer: Kong processes both', async () => {
    onEvent((message) => {
      message.send(pack([2, 'someLabel', {}]));
      message.answer({ EventId: 1, Data: { Method: 'kong.response.exit', Args: [202, 'x'] } });
    });
    expect((await fixture.send('lab')).status).toBe(202);
  });

  test('another process ID: Kong starts the instances again', async () => {
    let pid = 1;
    onEvent((message) => {
      message.send(pack([2, 'serverPid', pid]));
      message.answer({ EventId: 1, Data: 'ret' });
    });
    await fixture.send('lab');
    await fixture.send('lab');
    expect(server.count('StartInstance')).toBe(1);
    pid = 2;
    await fixture.send('lab');
    await fixture.send('lab');
    expect(server.count('StartInstance')).toBe(2);
  });

  test('an unknown instance: Kong starts it and repeats the event without limit', async () => {
    let refusals = 5;
    onEvent((message) => {
      if (refusals-- > 0) message.fail('no plugin instance #1');
      else usual(message);
    });
    expect((await fixture.send('lab')).status).toBe(200);
    expect([server.count('StartInstance'), server.count('HandleEvent')]).toEqual([6, 6]);
  });

  test('an answer in several pieces: Kong reads it', async () => {
    onEvent((message) => {
      const bytes = pack([
        1,
        message.id,
        null,
        { EventId: 1, Data: { Method: 'kong.response.exit', Args: [202, 'x'.repeat(70_000)] } },
      ]);
      for (let at = 0; at < bytes.length; at += 1 << 14) message.send(bytes.subarray(at, at + (1 << 14)));
    });
    expect((await fixture.send('lab')).body).toHaveLength(70_000);
  });

  test('a late answer on a connection that is in use again: Kong responds with 500', async () => {
    const late: KongMessage[] = [];
    onEvent((message) => late.push(message));
    expect((await fixture.send('lab')).status).toBe(200);
    onEvent(() => late[0]?.answer({ EventId: 1, Data: 'ret' }));
    expect((await fixture.send('lab')).status).toBe(500);
  });

  test('a late answer on an idle connection: Kong closes the connection', async () => {
    const late: KongMessage[] = [];
    onEvent((message) => late.push(message));
    expect((await fixture.send('lab')).status).toBe(200);
    server.onMessage = usual;
    for (const message of late) {
      message.answer({ EventId: 1, Data: { Method: 'kong.response.exit', Args: [500, 'late'] } });
    }
    expect((await fixture.send('lab')).status).toBe(200);
    expect(server.messages.filter(start)).toHaveLength(1);
  });

  test('no answer while an instance starts: other requests wait for it', async () => {
    const held: KongMessage[] = [];
    server.onMessage = (message) => (start(message) ? held.push(message) : usual(message));
    const requests = [fixture.send('lab'), fixture.send('lab'), fixture.send('lab')];
    await until('the start', () => held.length > 0);
    server.onMessage = usual;
    held.forEach(usual);
    await Promise.all(requests);
    expect([server.count('StartInstance'), server.count('HandleEvent')]).toEqual([1, 3]);
  });
});

describe('a stopped plugin server', () => {
  let fixture: KongFixture;

  const signalServer = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await fixture.gateway.pluginServerPids()) process.kill(pid, signal);
  };

  useResources(async (resources) => {
    const starting = startKongFixture(
      { lab: { lab: { mode: 'exit' } }, other: { lab: { mode: 'exit' } } },
      { pluginTimeoutMs: TIMEOUT_MS },
    );
    fixture = await resources.use(starting, (started) => started.stop());
    expect((await fixture.send('lab')).status).toBe(202);
    await resources.use(signalServer('SIGSTOP'), () => signalServer('SIGCONT'));
  });

  test('makes Kong proxy requests at once when the backlog is full', async () => {
    const { sockets, error } = await fillBacklog(fixture.gateway.socketPath);
    expect(error.code).toBe('EAGAIN');
    // One of them has the connection that the gateway kept.
    const responses = await Promise.all([fixture.send('lab'), fixture.send('lab'), fixture.send('lab')]);
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await fixture.gateway.log()).toContain('trying to connect: resource temporarily unavailable');
    for (const socket of sockets) socket.destroy();
  });

  test('makes Kong proxy a request after the timeout', async () => {
    expect((await fixture.send('lab')).status).toBe(200);
  });

  test('makes Kong respond with 500 if the instance is not started', async () => {
    expect((await fixture.send('other')).status).toBe(500);
  });
});

/** Connects until the kernel refuses. */
async function fillBacklog(path: string): Promise<{ sockets: net.Socket[]; error: NodeJS.ErrnoException }> {
  const sockets: net.Socket[] = [];
  for (;;) {
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      const socket = net.connect(path, () => resolve(null));
      socket.once('error', resolve);
      sockets.push(socket);
    });
    if (error) return { sockets, error };
  }
}
