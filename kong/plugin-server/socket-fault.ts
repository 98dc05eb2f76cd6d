// Explains to the administrator why a socket cannot be opened. The system's error is misleading: Node.js reports a missing
// directory as EACCES, with the temporary name of the socket.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PluginServerError } from './plugin-server-error';

/** Length of `sun_path` on Linux without the terminating zero. libuv silently truncates longer paths. */
const MAX_PATH_BYTES = 107;

const NOT_WRITABLE: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];

/** @throws PluginServerError `ERR_STARTUP` if the path is too long for a socket. */
export function checkSocketPath(socketPath: string, boundPath: string): void {
  const bytes = Math.max(Buffer.byteLength(socketPath), Buffer.byteLength(boundPath));
  if (bytes > MAX_PATH_BYTES) {
    throw startupError(
      `The path of the socket, ${socketPath}, is too long by ${String(bytes - MAX_PATH_BYTES)} bytes: ` +
        'name a directory with a shorter path with -p, and tell Kong (pluginserver_…_socket).',
    );
  }
}

/** Converts an error of the socket to one with its reason and remedy. */
export function explainSocketError(error: unknown, socketPath: string): Error {
  const directory = dirname(socketPath);
  const { code } = error as NodeJS.ErrnoException;
  if (!isDirectory(directory)) {
    return startupError(
      `There is no directory ${directory} for the socket: make it, for the user that Kong runs as, or name another with -p.`,
    );
  }
  if (NOT_WRITABLE.includes(code)) {
    return startupError(
      `The directory ${directory} cannot be written by user ${String(process.getuid?.())}, and the socket belongs there: ` +
        'give it to the user that Kong runs as, or name another with -p.',
    );
  }
  return startupError(`The socket ${socketPath} cannot be opened: ${String(error)}.`);
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // If the directory may not be read, assume that it exists.
    return false;
  }
}

const startupError = (message: string): PluginServerError => new PluginServerError('ERR_STARTUP', message);
