import { inspect } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';
import { PATIENCE_MS } from './patience';

const POLL_INTERVAL_MS = 10;

interface UntilOptions {
  /** Default `PATIENCE_MS`. */
  timeoutMs?: number;
  /** What the error says was seen when the time was over. Default: what the condition last returned. */
  seen?: () => unknown;
}

/**
 * Waits until a condition returns something true, and returns that. A condition that cannot come true any more throws.
 * @throws when the time is over, with what was waited for and what was seen instead
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = PATIENCE_MS, seen }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const last = await condition();
    if (last) return last;
    if (performance.now() > deadlineMs) {
      const sight =
        seen === undefined ? last : await Promise.resolve(seen()).catch((error: unknown) => error);
      throw new Error(`waited ${timeoutMs} ms for ${what}, in vain; seen: ${asText(sight)}`);
    }
    await delay(POLL_INTERVAL_MS);
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : inspect(value));
