import { join } from 'node:path';
import { pino } from 'pino';
import { kongPdk } from '../../../kong/plugin-server/kong-pdk';
import { RpcServer } from '../../../kong/plugin-server/rpc-server';
import { withCode } from './with-code';

// Jest's require has no cache to hide ts-node in, as kong-pdk.ts does; it would register itself in this process.
jest.mock('ts-node', () => ({ register: () => undefined }));

const PLUGINS = join(__dirname, '../../fixtures/plugins');
const INTERNAL_ERROR = { status: 500, body: 'ours', headers: { a: 'b' } };
const GONE = { status: 503, body: 'gone', headers: {} };

interface PdkCall {
  Method: string;
  Args: unknown[];
}

describe('RpcServer', () => {
  const log: { msg: string; [key: string]: unknown }[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[0]) });
  let server: RpcServer;

  beforeEach(() => {
    jest.useFakeTimers();
    log.length = 0;
    const pluginsDirectory = join(PLUGINS, 'js-lab');
    server = new RpcServer({ pluginsDirectory, logger, internalErrorReply: INTERNAL_ERROR, goneReply: GONE });
  });
  afterEach(() => {
    server.close();
    jest.useRealTimers();
  });

  const start = async (mode: string): Promise<number> => {
    const request = { Name: 'js-lab', Config: JSON.stringify({ mode }) };
    return ((await server.StartInstance(request)) as { Id: number }).Id;
  };
  const begin = async (mode: string): Promise<{ EventId: number; Data: PdkCall | 'ret' }> =>
    (await server.HandleEvent({ InstanceId: await start(mode), EventName: 'access' })) as never;
  // Runs the microtasks that are due, without advancing the (faked) clock.
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  test('is a kong-pdk server', () => {
    expect(server).toBeInstanceOf(kongPdk.Server);
    expect([...server.plugins.keys()]).toEqual(['js-lab']);
  });

  test('drops an event that Kong has not gone on with for 120 s, and the plugin finds out by an error', async () => {
    await jest.advanceTimersByTimeAsync(1_999); // as close before a sweep as can be
    const { EventId } = await begin('awaitserror');
    await jest.advanceTimersByTimeAsync(119_999);
    expect(server.eventCount).toBe(1);
    await jest.advanceTimersByTimeAsync(2);
    expect(server.eventCount).toBe(0);
    expect(log.find(({ msg }) => msg === 'event given up')).toMatchObject({
      phase: 'access',
      heldBy: 'kong',
    });
    expect((globalThis as { lastPluginError?: unknown }).lastPluginError).toEqual(
      withCode('ERR_EVENT_ABANDONED'),
    );
    expect(await server.step({ EventId, Data: 1 }, false)).toEqual({
      EventId,
      Data: { Method: 'kong.response.exit', Args: [503, 'gone', {}] },
    });
  });

  test('counts the 120 s from the last step', async () => {
    const { EventId } = await begin('four');
    for (const Data of ['GET', '/p', { host: ['h'] }]) {
      await jest.advanceTimersByTimeAsync(100_000);
      expect(await server.step({ EventId, Data }, false)).toMatchObject({ EventId });
    }
    expect(server.eventCount).toBe(1);
  });

  test('answers 500 for a plugin that does not come back, after the 50 s that one may take and before 60', async () => {
    await jest.advanceTimersByTimeAsync(1_999);
    const answered = jest.fn();
    void begin('hangs').then(answered);
    await jest.advanceTimersByTimeAsync(53_999);
    expect(answered).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(2);
    expect(answered).toHaveBeenCalledWith(
      expect.objectContaining({ Data: { Method: 'kong.response.exit', Args: [500, 'ours', { a: 'b' }] } }),
    );
    expect(server.eventCount).toBe(0);
    expect(log.find(({ msg }) => msg === 'event given up')).toMatchObject({ heldBy: 'plugin' });
  });

  test('counts the time of the plugin from the last step', async () => {
    const { EventId } = await begin('hangsafter');
    await jest.advanceTimersByTimeAsync(100_000);
    void server.step({ EventId, Data: 'GET' }, false);
    await jest.advanceTimersByTimeAsync(50_000);
    expect(server.eventCount).toBe(1);
    await jest.advanceTimersByTimeAsync(6_000);
    expect(server.eventCount).toBe(0);
  });

  test('throws to the plugin what Kong says of a failed call', async () => {
    const { EventId } = await begin('awaitserror');
    await server.step({ EventId, Data: 'bad argument' }, true);
    await settle();
    const { message } = (globalThis as { lastPluginError?: Error }).lastPluginError ?? new Error();
    expect(message).toContain('bad argument');
  });

  test('never expires an instance', async () => {
    const InstanceId = await start('exit');
    await jest.advanceTimersByTimeAsync(3_600_000);
    const answer = await server.HandleEvent({ InstanceId, EventName: 'access' });
    expect(answer.Data).toMatchObject({ Method: 'kong.response.exit' });
  });

  test('leaves no timer behind', () => {
    server.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('refuses to run without a plugin, and leaves no timer behind then either', () => {
    server.close();
    const options = { logger, internalErrorReply: INTERNAL_ERROR, goneReply: GONE };
    expect(() => new RpcServer({ ...options, pluginsDirectory: join(PLUGINS, 'broken') })).toThrow(
      withCode('ERR_NO_PLUGIN'),
    );
    expect(jest.getTimerCount()).toBe(0);
  });

  test('logs nothing of a configuration, accepted or refused', async () => {
    const Config = (mode: string): string =>
      JSON.stringify({ mode, password: 'secret-of-the-configuration' });
    await server.StartInstance({ Name: 'js-lab', Config: Config('exit') });
    await expect(server.StartInstance({ Name: 'js-lab', Config: Config('none') })).rejects.toThrow(
      'no mode none',
    );
    await expect(server.StartInstance({ Name: 'js-lab', Config: '{"secret-of-' })).rejects.toThrow();
    expect(JSON.stringify(log)).not.toContain('secret-of-');
  });
});
