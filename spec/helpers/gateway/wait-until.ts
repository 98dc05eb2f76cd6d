import { setTimeout as delay } from 'node:timers/promises';

const POLL_INTERVAL_MS = 20;

/**
 * Waits until a condition holds, asking again and again.
 * @throws when it does not within the time, with what was waited for, or the error that `giveUp` returns
 */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: { timeoutMs?: number; giveUp?: () => Error | null } = {},
): Promise<void> {
  const deadlineMs = Date.now() + (options.timeoutMs ?? 20_000);
  for (;;) {
    if (await condition()) return;
    const reason = options.giveUp?.();
    if (reason) throw reason;
    if (Date.now() > deadlineMs) throw new Error(`timed out waiting for ${what}`);
    await delay(POLL_INTERVAL_MS);
  }
}
