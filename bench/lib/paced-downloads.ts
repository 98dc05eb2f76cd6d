// Clients that read a large answer at a pace of their own, in one process beside this one: see paced-readers.js.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

interface PacedDownloads {
  readonly url: string;
  readonly clients: number;
  /** Each of them reads so many. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

/** How much longer than its pace a client may take. Beyond that the gateway did not keep up, and the load was another. */
const SLACK = 1.1;

const READERS = path.join(__dirname, 'paced-readers.js');

const run = promisify(execFile);

/** @returns how long each client took, in seconds @throws when one did not get all of it, or not at its pace */
export async function downloadPaced(options: PacedDownloads): Promise<number[]> {
  const { url, clients, bytes, bytesPerSecond } = options;
  const numbers = [clients, bytes, bytesPerSecond].map(String);
  const { stdout } = await run(process.execPath, [READERS, url, ...numbers]);
  const took = JSON.parse(stdout) as number[];
  const slowest = Math.max(...took);
  if (slowest > (SLACK * bytes) / bytesPerSecond) {
    throw new Error(`a client took ${slowest.toFixed(1)} s for ${bytes} bytes at ${bytesPerSecond}/s`);
  }
  return took;
}
