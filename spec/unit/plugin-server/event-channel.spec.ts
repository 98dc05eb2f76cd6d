import { EventChannel, type PdkCall } from '../../../kong/plugin-server/event-channel';
import { withCode } from './with-code';

const call = (method: string): PdkCall & { Args: unknown[] } => ({ Method: method, Args: [] });
const EXIT = call('kong.response.exit');

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

describe('EventChannel', () => {
  const onOver = jest.fn();
  let channel: EventChannel;
  beforeEach(() => {
    onOver.mockReset();
    channel = new EventChannel(7, 'access', onOver);
  });

  test('gives Kong the first call, before or after Kong asks for it', async () => {
    const asked = channel.next();
    channel.put(call('kong.a'));
    expect(await asked).toEqual({ EventId: 7, Data: { Method: 'kong.a', Args: [] } });
    const early = new EventChannel(8, 'access', onOver);
    early.put(call('kong.b'));
    expect(await early.next()).toEqual({ EventId: 8, Data: { Method: 'kong.b', Args: [] } });
  });

  test('gives each call the result of its own step, in the order of the calls', async () => {
    const results: unknown[] = [];
    for (const name of ['one', 'two']) {
      channel.put(call(name));
      void channel.get().then(([result, error]) => results.push([name, result, error]));
    }
    expect((await channel.next()).Data).toMatchObject({ Method: 'one' });
    channel.resume('first', undefined);
    expect((await channel.next()).Data).toMatchObject({ Method: 'two' });
    channel.resume(undefined, 'failed');
    await Promise.resolve();
    expect(results).toEqual([
      ['one', 'first', undefined],
      ['two', undefined, 'failed'],
    ]);
  });

  test.each([
    ['exit', EXIT],
    ['error', call('kong.response.error')],
    ['ret', 'ret' as const],
  ])('is over when Kong has been given %s, and not before', async (_, ending) => {
    channel.put(call('kong.a'));
    void channel.get();
    channel.put(ending);
    expect(channel.isEnded).toBe(true);
    await channel.next();
    expect(onOver).not.toHaveBeenCalled();
    channel.resume(undefined, undefined);
    expect((await channel.next()).Data).toBe(ending);
    expect(onOver.mock.calls).toEqual([[channel]]);
  });

  test('sends nothing after an exit, be it sent or in the queue, and never settles what is called then', async () => {
    channel.put(call('kong.a'));
    void channel.get();
    await channel.next();
    channel.put(EXIT);
    channel.put(call('kong.late'));
    const late = channel.get();
    channel.put('ret');
    channel.resume(undefined, undefined);
    expect((await channel.next()).Data).toBe(EXIT);
    expect(onOver).toHaveBeenCalledTimes(1);
    channel.put(call('kong.later'));
    expect(await isPending(Promise.race([late, channel.get()]))).toBe(true);
  });

  test.each([
    ['before its first call', () => undefined],
    [
      'while the plugin is at work',
      () => {
        channel.put(call('kong.a'));
        void channel.get();
        void channel.next();
        channel.resume(1, undefined);
        void channel.next();
      },
    ],
  ])('refuses a step that nothing waits for, %s', (_, prepare) => {
    prepare();
    expect(() => channel.resume(1, undefined)).toThrow(withCode('ERR_RPC_REQUEST'));
  });

  test('rejects the calls of an abandoned event, and later ones', async () => {
    channel.put(call('kong.a'));
    const waiting = channel.get();
    await channel.next();
    channel.abandon(new Error('given up'), EXIT);
    await expect(waiting).rejects.toThrow('given up');
    channel.put(call('kong.b'));
    await expect(channel.get()).rejects.toThrow('given up');
    expect(onOver).toHaveBeenCalledTimes(1);
  });

  test('answers Kong when an event is abandoned that Kong waits for', async () => {
    const answer = channel.next();
    channel.abandon(new Error('given up'), EXIT);
    expect((await answer).Data).toBe(EXIT);
    expect(onOver).toHaveBeenCalledTimes(1);
  });
});
