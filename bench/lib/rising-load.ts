// A load that rises in steps and does not care how the service fares: requests come when they come, as from many
// clients that know nothing of each other.
import { setTimeout as delay } from 'node:timers/promises';

export interface RisingLoad {
  /** Requests a second, step by step. */
  readonly rates: readonly number[];
  readonly stepSeconds: number;
}

/** What became of one request. Times in milliseconds since the load began. */
export interface Outcome {
  readonly arrivedMs: number;
  readonly endedMs: number;
  readonly isCompleted: boolean;
  /** When it was taken, by those that are taken before they are done. */
  readonly acceptedMs?: number;
}

/** What a client got. */
export interface ClientEnd {
  readonly isCompleted: boolean;
  /** By `performance.now()`. */
  readonly acceptedAt?: number;
}

/** Sends the load, one `client` a request, and waits until each has an end; one that rejects has failed. */
export async function sendRisingLoad(load: RisingLoad, client: () => Promise<ClientEnd>): Promise<Outcome[]> {
  const beganAt = performance.now();
  const outcomes: Promise<Outcome>[] = [];
  for (const [step, rate] of load.rates.entries()) {
    for (let index = 0; index < rate * load.stepSeconds; index++) {
      const arrivedMs = (step * load.stepSeconds + index / rate) * 1000;
      const waitMs = beganAt + arrivedMs - performance.now();
      if (waitMs > 0) {
        await delay(waitMs);
      }
      outcomes.push(runClient(client, beganAt, arrivedMs));
    }
  }
  return await Promise.all(outcomes);
}

async function runClient(
  client: () => Promise<ClientEnd>,
  beganAt: number,
  arrivedMs: number,
): Promise<Outcome> {
  try {
    const { isCompleted, acceptedAt } = await client();
    return {
      arrivedMs,
      endedMs: performance.now() - beganAt,
      isCompleted,
      ...(acceptedAt !== undefined && { acceptedMs: acceptedAt - beganAt }),
    };
  } catch {
    return { arrivedMs, endedMs: performance.now() - beganAt, isCompleted: false };
  }
}
