import {
  appliedPreferences,
  pollWaitMs,
  submitWaitMs,
} from '../../../plugins/async-request-reply/access/route/wait-limit';
import { routeSettings } from '../../../plugins/async-request-reply/access/route/route-settings';
import { resolveConfig } from '../../../schemas/resolve-config';

const settings = (wait: object = {}) => routeSettings(resolveConfig({ wait }));
const asks = (waitSeconds?: number, respondAsync = false) => ({ respondAsync, waitSeconds });

describe('how long an answer is held', () => {
  test.each([
    ['a submit that names no time, by default', asks(), {}, 0],
    ['a submit that names no time', asks(), { default_ms: 1500 }, 1500],
    [
      'a submit that prefers respond-async and names no time',
      asks(undefined, true),
      { default_ms: 1500 },
      1500,
    ],
    ['a submit that asks for none', asks(0), { default_ms: 1500 }, 0],
    ['a submit that asks for a time', asks(3), { default_ms: 1500 }, 3000],
    ['a submit that asks for more than the route gives', asks(3), { max_ms: 2000 }, 2000],
    ['a submit that asks for ever', asks(Infinity), { max_ms: 50_000 }, 50_000],
  ])('%s', (_case, preferences, wait, expected) => {
    expect(submitWaitMs(preferences, settings(wait))).toBe(expected);
  });

  test.each([
    ['a poll that names no time', asks(), { default_ms: 1500 }, 0],
    ['a poll that asks for a time', asks(3), { default_ms: 1500 }, 3000],
    ['a poll that asks for more than the route gives', asks(30), { max_ms: 2000 }, 2000],
  ])('%s', (_case, preferences, wait, expected) => {
    expect(pollWaitMs(preferences, settings(wait))).toBe(expected);
  });
});

describe('Preference-Applied', () => {
  test.each([
    ['respond-async and the wait that was granted', asks(2, true), true, 2000, 'respond-async, wait=2'],
    ['no wait that was cut short', asks(2, true), true, 1000, 'respond-async'],
    ['no wait of nothing', asks(0, true), true, 0, 'respond-async'],
    ['no respond-async where the answer is none', asks(2, true), false, 2000, 'wait=2'],
    ['nothing where nothing was asked', asks(), true, 1500, undefined],
    ['nothing where nothing was granted', asks(5), true, 0, undefined],
  ])('says %s', (_case, preferences, isAsync, heldMs, expected) => {
    expect(appliedPreferences(preferences, isAsync, heldMs)).toBe(expected);
  });
});
