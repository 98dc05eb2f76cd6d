// Clients that read a large answer at a pace of their own: curl, so that their work is not this process's.
import { execFile } from 'node:child_process';
import { devNull } from 'node:os';
import { promisify } from 'node:util';

export interface PacedDownloads {
  readonly url: string;
  readonly clients: number;
  /** Each of them reads so many. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

const run = promisify(execFile);

/** @returns how long each client took, in seconds @throws when one did not get all of it, or there is no curl */
export function downloadPaced(options: PacedDownloads): Promise<number[]> {
  const { url, clients, bytes, bytesPerSecond } = options;
  const read = async (): Promise<number> => {
    const { stdout } = await run('curl', [
      ...['--silent', '--show-error', '--fail', '--output', devNull],
      ...['--limit-rate', String(bytesPerSecond), '--write-out', '%{size_download} %{time_total}', url],
    ]);
    const [got, seconds] = stdout.split(' ').map(Number);
    if (got !== bytes || seconds === undefined) throw new Error(`a client got ${got} of ${bytes} bytes`);
    return seconds;
  };
  return Promise.all(Array.from({ length: clients }, read));
}
