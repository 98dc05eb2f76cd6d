// Reports whether this process is alive and ready, to the supervisor that restarts it or sends it work. The responses
// contain nothing confidential, but the server is meant for use inside a machine or pod.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';

/** During a reload the previous process may still have the port. */
const LISTEN_AGAIN_MS = 500;

interface HealthServer {
  /** Idempotent. */
  close(): Promise<void>;
}

interface HealthOptions {
  /** `health_listen`: host:port, or a port on 127.0.0.1. */
  readonly listen: string;
  /** Why the process is not ready; nothing if it is ready. */
  readonly reasons: () => Promise<readonly string[]>;
  readonly log: Logger;
}

/**
 * Responds to `GET /live` with 200, and to `GET /ready` with 200, or with 503 and the reasons. If the port is in use, it
 * tries again until the port is free, and logs that once.
 */
export function startHealthServer({ listen, reasons, log }: HealthOptions): HealthServer {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/live' && path !== '/ready') {
      answer(response, 404, {});
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      answer(response, 405, {});
    } else if (path === '/live') {
      answer(response, 200, { live: true });
    } else {
      reasons().then(
        (found) =>
          answer(response, found.length === 0 ? 200 : 503, { ready: found.length === 0, reasons: found }),
        () =>
          answer(response, 503, { ready: false, reasons: ['the state of the process could not be read'] }),
      );
    }
  });
  const listening = new Listening(server, listen, log);
  return { close: () => listening.close() };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

class Listening {
  readonly #server: Server;
  #timer: NodeJS.Timeout | undefined;
  #isReported = false;
  #isClosed = false;

  constructor(server: Server, listen: string, log: Logger) {
    this.#server = server;
    const at = addressOf(listen);
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#isReported) {
        this.#isReported = true;
        log.warn({ err: error }, 'health listener could not start; it is tried again until it starts');
      }
      if (!this.#isClosed) {
        this.#timer = setTimeout(() => server.listen(at), LISTEN_AGAIN_MS);
      }
    });
    server.on('listening', () => log.info({ address: server.address() }, 'health listener started'));
    server.listen(at);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** The host and port of a setting of the format `listen`. */
function addressOf(listen: string): { host: string; port: number } {
  const at = listen.lastIndexOf(':');
  const host = at < 0 ? '127.0.0.1' : listen.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(listen.slice(at + 1)) };
}
