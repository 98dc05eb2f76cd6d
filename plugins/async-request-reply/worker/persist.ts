// Writes to Redis what exists nowhere else: an upstream's response, and how an attempt ended.
import { setTimeout as delay } from 'node:timers/promises';
import type { Lease } from './lease';

const RETRY_MS = 200;

/**
 * Repeats a write until Redis accepts it or the lease is lost.
 *
 * @returns undefined if the lease was lost.
 */
export async function persist<T>(
  lease: Lease,
  write: () => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  for (;;) {
    try {
      return { value: await write() };
    } catch {
      if (lease.end === 'lost') {
        return undefined;
      }
      await delay(RETRY_MS);
    }
  }
}

/** Like {@link persist}, but rejects if the lease was lost. */
export async function persistOrThrow<T>(lease: Lease, write: () => Promise<T>): Promise<T> {
  const written = await persist(lease, write);
  if (written === undefined) {
    throw new Error('the lease was lost');
  }
  return written.value;
}
