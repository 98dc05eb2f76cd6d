// The plugin in the stock plugin server, and changes of configuration and reloads with jobs in flight.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { ID_HEADER } from '../helpers/id-header';
import { Latch } from '../helpers/latch';
import { heldBy, reply } from '../helpers/upstream/answers';
import { until } from '../helpers/until';
import { useStack } from '../helpers/use-stack';
import { WorkerProcess } from '../helpers/worker-process';

const STOCK_SERVER = resolve(__dirname, '../../node_modules/kong-pdk/bin/kong-js-pluginserver');
const PLUGINS = resolve(__dirname, '../../dist/plugins');
const SOCKET = 'async-request-reply.sock';

describe('the stock kong-js-pluginserver, given dist/plugins', () => {
  const stack = useStack({
    routes: [{ name: 'stock' }],
    pluginServer: {
      command: [process.execPath, STOCK_SERVER, '-p', '{prefix}', '--sock-name', SOCKET, '-d', PLUGINS],
      queryCommand: [process.execPath, STOCK_SERVER, '-d', PLUGINS, '--dump-all-plugins'],
    },
  });

  test('dumps the plugin, with the priority and the settings that it has, and ends', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      STOCK_SERVER,
      '-d',
      PLUGINS,
      '--dump-all-plugins',
    ]);

    const dump = JSON.parse(stdout) as {
      Name: string;
      Priority: number;
      Schema: unknown;
      Phases: string[];
    }[];
    expect(dump.map(({ Name }) => Name)).toEqual(['async-request-reply']);
    expect(dump[0]?.Phases).toContain('access');
    expect(dump[0]?.Priority).toBeGreaterThan(100);
    expect(dump[0]?.Priority).toBeLessThan(749);
    expect(JSON.stringify(dump[0]?.Schema)).toContain('id_header');
  });

  test('takes submits and polls; a worker of its own carries the job out', async () => {
    const path = '/stock/x';
    stack().upstream.script(path, reply({ body: 'by a worker', headers: { 'Set-Cookie': ['a=1', 'b=2'] } }));
    const { id } = await stack().submit(path, { method: 'POST', body: Buffer.from([0, 255]) });

    const pending = await stack().poll(path, id);
    const worker = new WorkerProcess(stack());
    const response = await stack()
      .settled(path, id)
      .finally(() => worker.stop());

    expect(pending.status).toBe(202);
    expect([response.status, response.text]).toEqual([200, 'by a worker']);
    expect(response.headers('Set-Cookie')).toEqual(['a=1', 'b=2']);
    expect(stack().upstream.callsOf(id)[0]?.body).toEqual(Buffer.from([0, 255]));
  });
});

describe('jobs in flight', () => {
  const stack = useStack({ routes: [{ name: 'jobs', config: { queue: { concurrency: 2 } } }] });

  /** Submits, calls `change` while two jobs run and eight wait, and returns what the polls are answered then. */
  async function during(path: string, change: () => Promise<void>): Promise<void> {
    const { upstream } = stack();
    const latch = new Latch();
    upstream.script(path, heldBy(latch, reply({ body: 'kept' })));
    const submits = await Promise.all(
      Array.from({ length: 10 }, (_, index) => stack().submit(path, { method: 'POST', body: String(index) })),
    );
    await upstream.called(path, 2);

    await change().finally(() => latch.open());

    for (const { id } of submits) {
      const response = await stack().settled(path, id);
      expect([id, response.status, response.text]).toEqual([id, 200, 'kept']);
      expect(upstream.callsOf(id).map(({ wasAbandoned }) => wasAbandoned)).toEqual([false]);
    }
  }

  test('outlive a change of the configuration, and are told under the new one', async () => {
    const path = '/jobs/config';

    await during(path, async () => {
      const { id } = await stack().submit(path, { method: 'POST', body: 'before' });
      await stack().applyRoutes([
        { name: 'jobs', config: { queue: { concurrency: 2 }, retry_after_seconds: 9 } },
        { name: 'more' },
      ]);

      const poll = await stack().poll(path, id);
      expect([poll.status, poll.header('Retry-After')]).toEqual([202, '9']);
      expect((await stack().roundTrip('/more')).status).toBe(200);
    });
    await stack().applyRoutes([{ name: 'jobs', config: { queue: { concurrency: 2 } } }]);
  });

  test('outlive a reload, which starts a new plugin server beside the old one', async () => {
    const path = '/jobs/reload';
    const before = await stack().gateway.pluginServerPids();

    await during(path, async () => {
      await stack().gateway.reload();
      await stack().pluginServerBack(path);
    });

    await until('the old plugin server to be gone', async () => {
      const now = await stack().gateway.pluginServerPids();
      return now.length > 0 && before.every((pid) => !now.includes(pid));
    });
  });

  test('no 202 that is given during a reload is for nothing', async () => {
    const path = '/jobs/given';
    let isOver = false;
    const ids: string[] = [];
    const load = Array.from({ length: 5 }, async () => {
      while (!isOver) {
        const response = await stack().request(path, { method: 'POST', body: 'a' });
        const id = response.header(ID_HEADER);
        if (response.status === 202 && id !== undefined) ids.push(id);
      }
    });

    try {
      await until('the first jobs', () => ids.length > 20);
      await stack().gateway.reload();
      await stack().pluginServerBack(path);
      const soFar = ids.length;
      await until('more jobs', () => ids.length > soFar + 20);
    } finally {
      isOver = true;
      await Promise.all(load);
    }

    for (const id of ids) expect((await stack().settled(path, id)).status).toBe(200);
    expect(new Set(ids).size).toBe(ids.length);
    expect(
      stack()
        .upstream.callsTo(path)
        .filter(({ jobId }) => jobId === undefined),
    ).toEqual([]);
  });
});
