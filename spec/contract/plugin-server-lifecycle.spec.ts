import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { KongConnection, type NextCall } from './plugin-server-fixture/kong-connection';
import { makePrefix, ServerProcess } from './plugin-server-fixture/server-process';

describe('plugin server, from start to end', () => {
  let prefix: string;
  let remove: () => void;
  const servers: ServerProcess[] = [];
  const connections: KongConnection[] = [];

  beforeEach(() => ({ prefix, remove } = makePrefix()));
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.socket.destroy();
    for (const server of servers.splice(0)) await server.kill();
    remove();
  });

  const start = async (env: NodeJS.ProcessEnv = {}): Promise<ServerProcess> => {
    const server = await ServerProcess.start(prefix, { env });
    servers.push(server);
    return server;
  };
  const open = async (server: ServerProcess): Promise<KongConnection> => {
    const connection = await KongConnection.open(server.socketPath);
    connections.push(connection);
    return connection;
  };
  // An event that waits for Kong to answer its first call.
  const beginEvent = async (kong: KongConnection): Promise<NextCall> =>
    kong.event(await kong.start({ mode: 'four' }));
  const finishEvent = async (kong: KongConnection, first: NextCall): Promise<unknown> => {
    let call = first;
    for (const result of ['GET', '/p', { host: ['h'] }, Buffer.alloc(0)]) {
      call = await kong.step(call, result);
    }
    return call.args[0];
  };

  test('leaves nothing but its socket in the prefix', async () => {
    await start();
    expect(readdirSync(prefix)).toEqual(['s']);
  });

  test('replaces what a dead server, or anybody, left at its path', async () => {
    const dead = await start();
    await dead.kill();
    expect(existsSync(dead.socketPath)).toBe(true);
    await open(await start());
    rmSync(dead.socketPath);
    writeFileSync(dead.socketPath, 'no socket');
    await open(await start());
  });

  test('drains at SIGTERM: the event in flight ends, new ones are served, then it exits 0 and leaves the path', async () => {
    const server = await start();
    const kong = await open(server);
    const first = await beginEvent(kong);
    server.signal('SIGTERM');
    await server.logged('draining');
    const second = await beginEvent(await open(server));
    expect(await finishEvent(kong, first)).toBe(202);
    expect(await finishEvent(kong, second)).toBe(202);
    expect(await server.exited).toBe(0);
    expect(existsSync(server.socketPath)).toBe(true);
  });

  test('exits when the drain timeout is over, whatever is in flight', async () => {
    const server = await start({ ARR_DRAIN_TIMEOUT_SECONDS: '1' });
    await beginEvent(await open(server));
    server.signal('SIGTERM');
    await server.logged('drain timed out with requests under way');
    expect(await server.exited).toBe(0);
  });

  test('exits at once at the second SIGTERM', async () => {
    const server = await start();
    await beginEvent(await open(server));
    server.signal('SIGTERM');
    await server.logged('draining');
    server.signal('SIGTERM');
    expect(await server.exited).toBe(143);
  });

  test('ends at SIGINT too', async () => {
    const server = await start();
    server.signal('SIGINT');
    expect(await server.exited).toBe(0);
  });

  test('gives its path to the next server without a moment between, and goes on with what it has', async () => {
    const old = await start();
    const oldKong = await open(old);
    const inFlight = await beginEvent(oldKong);
    const refusals: unknown[] = [];
    let isProbing = true;
    // Each probe waits for its answer: connections alone would fill the backlog of a server that is short of CPU.
    const probe = async (): Promise<void> => {
      const connection = await KongConnection.open(old.socketPath);
      await connection.call('GetStatus', null);
      connection.socket.destroy();
    };
    const probing = (async () => {
      while (isProbing) await probe().catch((error: unknown) => refusals.push(error));
    })();
    const next = await start();
    isProbing = false;
    await probing;
    expect(refusals).toEqual([]);

    const inode = statSync(next.socketPath).ino;
    const newKong = await open(next);
    await newKong.start({ mode: 'exit' });
    await next.logged('instance started');

    old.signal('SIGTERM');
    await old.logged('draining');
    expect(await finishEvent(oldKong, inFlight)).toBe(202);
    expect(await old.exited).toBe(0);
    expect(statSync(next.socketPath).ino).toBe(inode);
    await open(next);
  });

  test('goes on when nobody reads its output any more', async () => {
    const server = await start();
    const kong = await open(server);
    server.hangUp();
    const ids = [await kong.start({ mode: 'throw' }), await kong.start({ mode: 'stray' })];
    for (let i = 0; i < 20; i++) {
      for (const id of ids) await kong.event(id);
    }
    expect((await kong.event(await kong.start({ mode: 'exit' }))).args[0]).toBe(202);
  });
});
