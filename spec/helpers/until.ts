import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 10;

/**
 * Waits until a condition gives something true, and returns that.
 * @throws when the time is over, with what was waited for and what the condition last gave
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { timeoutMs = 15_000 }: { timeoutMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const given = await condition();
    if (given) return given;
    if (performance.now() > deadlineMs) {
      throw new Error(`waited ${timeoutMs} ms for ${what}, in vain (last seen: ${String(given)})`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
