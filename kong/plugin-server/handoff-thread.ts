// The handoff listener, in a thread of the plugin server: large bodies do not block its event loop.
import { parentPort, workerData } from 'node:worker_threads';
import {
  routeSettings,
  type RouteSettings,
} from '../../plugins/async-request-reply/access/route/route-settings';
import { HandoffServer } from '../../plugins/async-request-reply/handoff/handoff-server';
import { TicketSealer } from '../../plugins/async-request-reply/handoff/ticket-sealer';
import { StoreRegistry, type OpenStore } from '../../plugins/async-request-reply/accept/store-registry';
import type { Config } from '../../schemas/generated/config-type';
import { createLogger } from '../process/create-logger';
import { lowerThreadPriority } from '../worker/lower-thread-priority';

/** The data that the plugin server passes to the thread. */
export interface HandoffThreadData {
  readonly key: Uint8Array;
  readonly logLevel: string;
  readonly backlog: number;
  readonly configs: readonly (readonly [settingsKey: string, config: Config])[];
  /** One number: how many tickets have arrived. */
  readonly arrived: Int32Array;
}

export type HandoffThreadMessage =
  | { readonly kind: 'config'; readonly settingsKey: string; readonly config: Config }
  /** Responds to waiting requests, and reports when no request is in progress. */
  | { readonly kind: 'drain' };

/** Messages from the thread: its port, and that it has drained. */
export type HandoffThreadReport =
  { readonly kind: 'listening'; readonly port: number } | { readonly kind: 'idle' };

const IDLE_CHECK_MS = 20;

// Only handoff-listener.ts starts this thread.
const { key, logLevel, backlog, configs, arrived } = workerData as HandoffThreadData;
const log = createLogger({ name: 'async-request-reply-handoff', level: logLevel });
const stores = new StoreRegistry((error) => log.warn({ err: error }, 'redis connection failed'));
const routes = new Map<string, { readonly settings: RouteSettings; readonly openStore: OpenStore }>();

// Bodies are less urgent than polls and accepts.
lowerThreadPriority();

const register = (settingsKey: string, config: Config): void => {
  const settings = routeSettings(config, { hasHandoff: true });
  routes.set(settingsKey, { settings, openStore: stores.opener(settings.redis, settings.keyPrefix) });
};

/** nginx sends a ticket again if it lost the response. Each ticket counts once: its first 16 characters are random. */
const counted = new Set<string>();
const MAX_COUNTED = 10_000;

function countOnce(ticket: string): void {
  const start = ticket.slice(0, 16);
  if (counted.has(start)) {
    return;
  }
  Atomics.add(arrived, 0, 1);
  counted.add(start);
  const [oldest] = counted;
  if (counted.size > MAX_COUNTED && oldest !== undefined) {
    counted.delete(oldest);
  }
}

const server = new HandoffServer({
  sealer: new TicketSealer(key),
  leaseRoute: (settingsKey) => {
    const route = routes.get(settingsKey);
    return route && { settings: route.settings, ...route.openStore() };
  },
  onTicket: countOnce,
  onFailure: (error) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    log.error({ err: cause }, 'handoff request not handled');
  },
});

configs.forEach(([settingsKey, config]) => register(settingsKey, config));

const report = (message: HandoffThreadReport): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: HandoffThreadMessage) => {
  if (message.kind === 'config') {
    register(message.settingsKey, message.config);
    return;
  }
  stores.requests.release();
  // The socket stays open until the end: nginx may be about to connect with a ticket.
  setInterval(() => {
    if (server.underWay === 0) {
      report({ kind: 'idle' });
    }
  }, IDLE_CHECK_MS);
});

server.listen(backlog).then(
  (port) => report({ kind: 'listening', port }),
  (error: unknown) => {
    throw error;
  },
);
