// The unix socket that Kong connects to. On `kong reload` a new plugin server takes over the path from one that still runs.
// While a path has no listener, even for a moment, Kong bypasses the plugin.
import { randomBytes } from 'node:crypto';
import { chmod, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { RpcConnection } from './rpc-connection';
import type { RpcServer } from './rpc-server';
import { checkSocketPath, explainSocketError } from './socket-fault';

interface RpcListenerOptions {
  readonly socketPath: string;
  /** Number of connections that may wait to be accepted. The kernel limits it to `net.core.somaxconn`. */
  readonly backlog: number;
  /** Permissions of the socket. Every process that may write to it can act as Kong. */
  readonly mode: number;
  readonly server: RpcServer;
  readonly logger: Logger;
  readonly maxMessageBytes?: number;
  /** Called whenever the last connection has closed. */
  readonly onDeserted?: () => void;
}

/** A socket that stays open until the process ends: closing it would reject Kong's connections, or remove the path of the next server. */
interface RpcListener {
  /** Whether no connection has a partly received or unanswered request. */
  readonly isIdle: () => boolean;
}

/**
 * Listens on `socketPath` and replaces a previous listener: the socket is bound under a temporary name and renamed. A server
 * that loses its path to the next one keeps its listener and its connections. It never removes the path, since Node.js
 * unlinks the name that it bound. The socket gets its permissions before the rename, and has those of the umask until then.
 * Only these protect it from other users: Node.js does not report the peer's process (SO_PEERCRED).
 *
 * @throws PluginServerError `ERR_STARTUP`, with the remedy, if the path is too long for a socket or cannot be bound
 */
export async function listenForRpc(options: RpcListenerOptions): Promise<RpcListener> {
  const { socketPath, backlog, mode, server, logger, maxMessageBytes } = options;
  const boundPath = join(dirname(socketPath), `.${randomBytes(6).toString('hex')}`);
  checkSocketPath(socketPath, boundPath);
  const connections = new Set<RpcConnection>();
  const netServer = createServer((socket) => {
    const connection = new RpcConnection(socket, server, logger, maxMessageBytes);
    connections.add(connection);
    socket.on('close', () => {
      connections.delete(connection);
      if (connections.size === 0) {
        options.onDeserted?.();
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    netServer.once('error', (error) => reject(explainSocketError(error, socketPath)));
    netServer.listen({ path: boundPath, backlog }, () => {
      netServer.removeAllListeners('error');
      resolve();
    });
  });
  // For example too many open files: the connection is closed, and the listener continues.
  netServer.on('error', (error) => logger.error({ err: error }, 'could not accept a connection'));
  try {
    await chmod(boundPath, mode);
    await rename(boundPath, socketPath);
  } catch (error) {
    netServer.close();
    throw explainSocketError(error, socketPath);
  }

  const isIdle = (): boolean => [...connections].every((connection) => connection.isIdle);
  return { isIdle };
}
