import { TrySlots } from '../../../plugins/async-request-reply/callbacks/try-slots';

test('ten slots are available per host, and a hundred in total', () => {
  const slots = new TrySlots();
  const taken = Array.from(
    { length: 20 },
    (_, host) =>
      Array.from({ length: 15 }, () => slots.take(String(host)) !== undefined).filter(Boolean).length,
  );
  expect(taken).toEqual([...Array<number>(10).fill(10), ...Array<number>(10).fill(0)]);
  expect(slots.free).toBe(0);
});

test('each slot is released once', () => {
  const slots = new TrySlots();
  const first = Array.from({ length: 10 }, () => slots.take('a'));
  expect(slots.take('a')).toBeUndefined();
  first[0]?.();
  first[0]?.();
  expect([slots.take('a'), slots.take('a')]).toEqual([expect.any(Function), undefined]);
  expect(slots.free).toBe(90);
});

test('the wait for a host grows with the duration of its tries', () => {
  let now = 0;
  const slots = new TrySlots(() => now);
  const release = slots.take('a');
  now = 2000;
  expect(slots.waitMs('a')).toBe(200);
  now = 2001;
  expect([slots.waitMs('a'), slots.waitMs('b')]).toEqual([10_000, 200]);
  release?.();
  expect(slots.waitMs('a')).toBe(200);
});
