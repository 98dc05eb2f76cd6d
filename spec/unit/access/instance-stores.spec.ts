import { InstanceStores, type InstanceOrigin } from '../../../plugins/async-request-reply/instance-stores';
import type { StoreLease } from '../../../plugins/async-request-reply/accept/store-registry';

/** Instances in the order of their starts, by name; the names of those whose stores were let go of. */
function released(
  starts: readonly (readonly [name: string, origin: InstanceOrigin] | 'deserted')[],
): string[] {
  const holds = new InstanceStores();
  const gone: string[] = [];
  for (const start of starts) {
    if (start === 'deserted') {
      holds.resetSequence();
    } else {
      const [name, origin] = start;
      // The store is not used.
      holds.add(origin, { release: () => gone.push(name) } as unknown as StoreLease);
    }
  }
  return gone;
}

const of = (key: string | undefined, seq: number | undefined): InstanceOrigin => ({ key, seq });

test('an instance of a later configuration replaces all earlier ones with its key, in every worker of Kong', () => {
  const starts = [
    ['worker 1', of('k', 4)],
    ['worker 2', of('k', 9)],
    ['later', of('k', 11)],
  ] as const;
  expect(released(starts)).toEqual(['worker 1', 'worker 2']);
});

test('a late start of an instance of an earlier configuration does not replace a later one', () => {
  const starts = [
    ['new', of('k', 11)],
    ['stale', of('k', 4)],
  ] as const;
  expect(released(starts)).toEqual([]);
  expect(released([...starts, ['next', of('k', 12)]])).toEqual(['new', 'stale']);
});

test.each([
  ['other plugins', of('a', 1), of('b', 2)],
  ['a configuration whose age is not known', of('k', 5), of('k', undefined)],
  ['a count that could not be had', of('k', 5), of('k', 0)],
  ['an instance of the same configuration', of('k', 5), of('k', 5)],
  ['what says nothing of where it comes from', of(undefined, undefined), of(undefined, undefined)],
])('%s leave an instance its store', (_what, first, second) => {
  expect(
    released([
      ['first', first],
      ['second', second],
    ]),
  ).toEqual([]);
});

test('without a connected Kong every new instance is later than all before', () => {
  expect(released([['before', of('k', 500)], 'deserted', ['after', of('k', 3)]])).toEqual(['before']);
});
