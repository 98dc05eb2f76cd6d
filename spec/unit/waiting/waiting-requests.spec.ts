import { WaitingRequests } from '../../../plugins/async-request-reply/waiting/waiting-requests';

const share = (maxWaiting: number, queue = 'q') => ({ queue, maxWaiting });

describe('waiting requests', () => {
  const unwatched: number[] = [];
  let wakes: (() => void)[] = [];
  const watch = (onSettled: () => void) => {
    const at = wakes.push(onSettled);
    return () => void unwatched.push(at);
  };

  beforeEach(() => {
    jest.useFakeTimers();
    unwatched.length = 0;
    wakes = [];
  });
  afterEach(() => jest.useRealTimers());

  test('wait until their job settles, and their subscription ends with them', async () => {
    const held = new WaitingRequests();
    const hold = held.wait(1000, share(10), watch);
    expect(held.size).toBe(1);
    wakes[0]?.();
    expect(await hold).toBe('settled');
    expect([held.size, unwatched, jest.getTimerCount()]).toEqual([0, [1], 0]);
  });

  test('wait no longer than their time limit', async () => {
    const held = new WaitingRequests();
    const hold = held.wait(1000, share(10), watch);
    await jest.advanceTimersByTimeAsync(999);
    expect(held.size).toBe(1);
    await jest.advanceTimersByTimeAsync(1);
    expect(await hold).toBe('timeout');
    expect([held.size, unwatched]).toEqual([0, [1]]);
  });

  test('are limited in number, and each that ends frees a slot', async () => {
    const held = new WaitingRequests();
    const first = held.wait(1000, share(1), watch);
    expect(await held.wait(1000, share(1), watch)).toBe('rejected');
    expect(wakes).toHaveLength(1);
    wakes[0]?.();
    await first;
    const next = held.wait(1000, share(1), watch);
    wakes[1]?.();
    expect(await next).toBe('settled');
  });

  test('of one queue use no slots of another', async () => {
    const held = new WaitingRequests();
    const first = held.wait(1000, share(1), watch);
    expect(await held.wait(1000, share(1), watch)).toBe('rejected');
    const other = held.wait(1000, share(1, 'other'), watch);
    expect(held.size).toBe(2);
    wakes.forEach((wake) => wake());
    expect(await Promise.all([first, other])).toEqual(['settled', 'settled']);
    expect(held.size).toBe(0);
  });

  test('end when the process shuts down, and no other begins', async () => {
    const held = new WaitingRequests();
    const holds = [held.wait(1000, share(10), watch), held.wait(1000, share(10), watch)];
    held.release();
    expect(await Promise.all(holds)).toEqual(['released', 'released']);
    expect(await held.wait(1000, share(10), watch)).toBe('rejected');
    expect([held.size, jest.getTimerCount()]).toEqual([0, 0]);
  });

  test('leave nothing behind if the subscription fails', async () => {
    const held = new WaitingRequests();
    const failure = new Error('no connection');
    const hold = held.wait(1000, share(10), () => {
      throw failure;
    });
    await expect(hold).rejects.toBe(failure);
    expect([held.size, jest.getTimerCount()]).toEqual([0, 0]);
  });
});
