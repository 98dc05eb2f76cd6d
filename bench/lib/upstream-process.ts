import { spawn } from 'node:child_process';
import path from 'node:path';

/** How the upstream behaves under load: see upstream-server.js. */
export interface ServiceModel {
  /** What a call takes that is alone; 0 answers at once, whatever the load. */
  readonly serviceMs: number;
  /** Calls under way at which it does most. Default: no call slows another. */
  readonly bestAt?: number;
  /** Calls under way beyond which a further one gets 503. Default none. */
  readonly limit?: number;
}

export interface UpstreamProcess {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Starts the upstream as a process of its own. @throws when it does not start */
export function startUpstreamProcess(model: ServiceModel): Promise<UpstreamProcess> {
  const { serviceMs, bestAt = Infinity, limit = Infinity } = model;
  return start('upstream-server.js', [serviceMs, bestAt, limit]);
}

/** Starts an upstream that answers whatever it is asked with so many bytes. @throws when it does not start */
export const startLargeUpstream = (bytes: number): Promise<UpstreamProcess> =>
  start('large-upstream.js', [bytes]);

async function start(script: string, numbers: readonly number[]): Promise<UpstreamProcess> {
  const child = spawn(process.execPath, [path.join(__dirname, script), ...numbers.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
    child.once('error', reject).once('close', () => reject(new Error('the upstream ended')));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
