// How long a request may wait: as long as the client requests, within the limits of the route.
import type { Preferences } from '../../http/prefer';
import type { RouteSettings } from './route-settings';

/** Far below 60 s, after which Kong gives up on the plugin server and proxies the request to the upstream. */
const MAX_WAIT_MS = 50_000;

type WaitSettings = Pick<RouteSettings, 'wait'>;

/** How long the reply to a submit may wait, in milliseconds; 0 means not at all. The default is the route's `wait.default_ms`. */
export const submitWaitMs = (preferences: Preferences, { wait }: WaitSettings): number =>
  clamped(preferences.waitSeconds === undefined ? wait.default_ms : preferences.waitSeconds * 1000, wait);

/** How long the reply to a poll may wait, in milliseconds. A poll waits only if the client requests it. */
export const pollWaitMs = (preferences: Preferences, { wait }: WaitSettings): number =>
  clamped((preferences.waitSeconds ?? 0) * 1000, wait);

const clamped = (ms: number, { max_ms: maxMs }: RouteSettings['wait']): number =>
  Math.min(ms, maxMs, MAX_WAIT_MS);

/**
 * The value of `Preference-Applied` (RFC 7240, 3), undefined if no preference was applied.
 *
 * @param isAsync whether the reply is a 202 to a submit.
 * @param waitedMs how long the request waited, if the wait timed out. A wait that was cut short does not count as applied.
 */
export function appliedPreferences(
  { respondAsync, waitSeconds }: Preferences,
  isAsync: boolean,
  waitedMs: number,
): string | undefined {
  const applied: string[] = [];
  if (respondAsync && isAsync) {
    applied.push('respond-async');
  }
  if (waitSeconds !== undefined && waitSeconds > 0 && waitedMs === waitSeconds * 1000) {
    applied.push(`wait=${String(waitSeconds)}`);
  }
  return applied.length === 0 ? undefined : applied.join(', ');
}
