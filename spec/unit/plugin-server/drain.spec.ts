import { pino } from 'pino';
import { drain } from '../../../kong/plugin-server/drain';

describe('drain', () => {
  const log: string[] = [];
  const logger = pino(
    {},
    { write: (line: string) => void log.push((JSON.parse(line) as { msg: string }).msg) },
  );
  const order: string[] = [];
  const hook = (name: string) => () => Promise.resolve(void order.push(name));

  beforeEach(() => {
    jest.useFakeTimers();
    log.length = 0;
    order.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  test('runs the stop hooks once all is idle, the last registered first', async () => {
    let idle = false;
    const done = drain({ isIdle: () => idle, timeoutMs: 30_000, onStop: [hook('a'), hook('b')], logger });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(order).toEqual([]);
    idle = true;
    await jest.advanceTimersByTimeAsync(100);
    expect(await done).toBe(true);
    expect(order).toEqual(['b', 'a']);
  });

  test('takes idle for idle only when it lasts a turn', async () => {
    const looks = [true, false, true, true];
    const done = drain({
      isIdle: () => looks.shift() ?? true,
      timeoutMs: 30_000,
      onStop: [hook('a')],
      logger,
    });
    await jest.advanceTimersByTimeAsync(1_000);
    await done;
    expect(looks).toEqual([]);
  });

  test('does not wait longer than its timeout for requests', async () => {
    const done = drain({ isIdle: () => false, timeoutMs: 5_000, onStop: [hook('a')], logger });
    await jest.advanceTimersByTimeAsync(5_100);
    expect(await done).toBe(true);
    expect(order).toEqual(['a']);
    expect(log).toEqual(['drain timed out with requests under way']);
  });

  test('runs the other hooks when one fails, and says that one did', async () => {
    const failing = (): Promise<void> => Promise.reject(new Error('no'));
    const done = drain({
      isIdle: () => true,
      timeoutMs: 5_000,
      onStop: [hook('a'), failing, hook('c')],
      logger,
    });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await done).toBe(false);
    expect(order).toEqual(['c', 'a']);
    expect(log).toEqual(['stop hook failed']);
  });

  test('does not wait longer than its timeout for a hook that hangs', async () => {
    const hanging = (): Promise<void> => new Promise(() => undefined);
    const done = drain({ isIdle: () => true, timeoutMs: 5_000, onStop: [hanging], logger });
    await jest.advanceTimersByTimeAsync(5_100);
    expect(await done).toBe(false);
    expect(log).toEqual(['stop hooks timed out']);
  });

  test('leaves no timer behind', async () => {
    const done = drain({ isIdle: () => true, timeoutMs: 5_000, onStop: [], logger });
    await jest.advanceTimersByTimeAsync(1_000);
    await done;
    expect(jest.getTimerCount()).toBe(0);
  });
});
