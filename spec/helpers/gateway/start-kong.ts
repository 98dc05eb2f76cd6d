import type { Gateway } from '../gateway';

/** A real Kong. */
export function startKong(): Promise<Gateway> {
  return Promise.reject(new Error('soon'));
}
