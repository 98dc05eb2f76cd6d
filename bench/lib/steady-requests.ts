// Requests at a steady rate that does not care how they fare, as from many clients that know nothing of each other.
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

interface SteadyRequests {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly perSecond: number;
  /** The status that each has to have. */
  readonly status: number;
}

/**
 * Sends them until `isOver`.
 *
 * @returns what each took, in milliseconds
 * @throws when one has another status
 */
export async function sendSteadily(requests: SteadyRequests, isOver: () => boolean): Promise<number[]> {
  const { url, path, headers, perSecond, status } = requests;
  const pool = new Pool(url, { connections: null });
  const send = async (): Promise<number> => {
    const sentAt = performance.now();
    const answer = await pool.request({ method: 'GET', path, headers });
    await answer.body.dump();
    if (answer.statusCode !== status) {
      throw new Error(`${path} got ${answer.statusCode}`);
    }
    return performance.now() - sentAt;
  };
  const beganAt = performance.now();
  const sent: Promise<number>[] = [];
  try {
    while (!isOver()) {
      sent.push(send());
      await delay(Math.max(0, beganAt + (sent.length * 1000) / perSecond - performance.now()));
    }
    return await Promise.all(sent);
  } finally {
    await Promise.allSettled(sent);
    await pool.destroy();
  }
}
