// Runs the health checks of compose and Kubernetes files as they stand there.
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:net';

/** Where the containers have the socket. */
export const CONTAINER_SOCKET = '/run/async-request-reply/async-request-reply.socket';

/** The exit code of `node …`, its words taken from a file. */
export function exitCodeOf(command: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const [program, ...args] = command;
  if (program !== 'node') throw new Error(`not a check that runs here: ${command.join(' ')}`);
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, args, { env: { ...process.env, ...env } });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
}

/** Listens while `use` runs; `address` is a path, or 0 for a free port. */
export async function whileListening<T>(
  address: string | 0,
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(address, resolve));
  try {
    return await use(server);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}
