// The unix socket that Kong connects to. On `kong reload` a new plugin server takes over the path of one that is still
// at work, and a path without a listener, be it for a moment, is a moment in which Kong bypasses the plugin.
import { randomBytes } from 'node:crypto';
import { chmod, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { RpcConnection } from './rpc-connection';
import type { RpcServer } from './rpc-server';
import { checkSocketPath, explainSocketError } from './socket-fault';

/** Where and how to listen. */
interface RpcListenerOptions {
  readonly socketPath: string;
  /** Connections that may wait to be accepted; the kernel cuts it to `net.core.somaxconn`. */
  readonly backlog: number;
  /** Permissions of the socket: who may write to it can be anybody's Kong. */
  readonly mode: number;
  readonly server: RpcServer;
  readonly logger: Logger;
  readonly maxMessageBytes?: number;
  /** Called whenever the last connection has gone. */
  readonly onDeserted?: () => void;
}

/** A socket that is listened on until the process ends: to close it would be to refuse Kong, or its path to the next. */
interface RpcListener {
  /** Whether no connection has a request half received or unanswered. */
  readonly isIdle: () => boolean;
}

/**
 * Listens on `socketPath`, in the place of whatever listened there before: the socket is bound under a name of its own
 * and renamed. A server that loses its path to the next one so keeps its listener and its connections, and, as Node
 * unlinks the name that it bound, never takes the path with it. It has its permissions before it has its name, and until then
 * those of the umask. They are all that keeps others out: Node.js does not tell whose process is at the other end (SO_PEERCRED).
 *
 * @throws PluginServerError `ERR_STARTUP` if the path is too long for a socket or cannot be bound, with what to do
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
  // Too many open files, say: that connection is closed, the listener goes on.
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
