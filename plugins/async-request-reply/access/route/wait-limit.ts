// How long a request may be held: what the client asks, within what the route allows.
import type { Preferences } from '../../http/prefer';
import type { RouteSettings } from './route-settings';

/** Kong gives up on an answer after 60 s and sends the request to the upstream: far below it. */
const MAX_WAIT_MS = 50_000;

type WaitSettings = Pick<RouteSettings, 'wait'>;

/** Milliseconds that the answer to a submit may be held; 0 is not at all. A client that names no time gets the route's. */
export const submitWaitMs = (preferences: Preferences, { wait }: WaitSettings): number =>
  clamped(preferences.waitSeconds === undefined ? wait.default_ms : preferences.waitSeconds * 1000, wait);

/** Milliseconds that the answer to a poll may be held: what the client asks, and nothing by itself. */
export const pollWaitMs = (preferences: Preferences, { wait }: WaitSettings): number =>
  clamped((preferences.waitSeconds ?? 0) * 1000, wait);

const clamped = (ms: number, { max_ms: maxMs }: RouteSettings['wait']): number =>
  Math.min(ms, maxMs, MAX_WAIT_MS);

/**
 * The value of `Preference-Applied` (RFC 7240, 3), undefined where nothing was honoured.
 *
 * @param waitedMs how long the request was held to the end of its time; a wait that was cut short is not told as applied.
 */
export function appliedPreferences(
  { respondAsync, waitSeconds }: Preferences,
  isAsync: boolean,
  waitedMs: number,
): string | undefined {
  const applied = [
    ...(respondAsync && isAsync ? ['respond-async'] : []),
    ...(waitSeconds !== undefined && waitSeconds > 0 && waitedMs === waitSeconds * 1000
      ? [`wait=${String(waitSeconds)}`]
      : []),
  ];
  return applied.length === 0 ? undefined : applied.join(', ');
}
