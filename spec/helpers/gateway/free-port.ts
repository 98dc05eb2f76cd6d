import { randomInt } from 'node:crypto';
import net from 'node:net';

/**
 * Below the range from which systems take the ports of outgoing connections, so that none of these takes a port between
 * its choice and its use. A node of a Redis Cluster also listens 10,000 above its port.
 */
const FIRST = 10_000;
const SHARE = 600;
const SHARES = 16;

/** jest's workers choose from shares of their own: two specs that run side by side never choose the same port. */
const share = Number(process.env['JEST_WORKER_ID'] ?? 0) % SHARES;

/** Ports of this spec: one may be chosen long before something listens on it. */
const chosen = new Set<number>();

/** @returns a port of 127.0.0.1 on which nothing listens, and which this spec was not given before */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = FIRST + share * SHARE + randomInt(SHARE);
    if (chosen.has(port)) continue;
    chosen.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among 100 from ${FIRST + share * SHARE} on`);
}

function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
