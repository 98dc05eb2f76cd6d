// The handoff listener in a thread of the plugin server: large bodies stay off its event loop.
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import {
  routeSettings,
  type RouteSettings,
} from '../../plugins/async-request-reply/access/route/route-settings';
import { serializeError } from '../../plugins/async-request-reply/errors/serialize-error';
import { HandoffServer } from '../../plugins/async-request-reply/handoff/handoff-server';
import { TicketSealer } from '../../plugins/async-request-reply/handoff/ticket-sealer';
import { StoreRegistry, type OpenStore } from '../../plugins/async-request-reply/accept/store-registry';
import type { Config } from '../../schemas/generated/config-type';
import { lowerThreadPriority } from '../worker/lower-thread-priority';

/** What the plugin server hands to the thread. */
export interface HandoffThreadData {
  readonly key: Uint8Array;
  readonly logLevel: string;
  readonly backlog: number;
  readonly configs: readonly (readonly [settingsKey: string, config: Config])[];
  /** One number: with how many notes requests have come. */
  readonly arrived: Int32Array;
}

export type HandoffThreadMessage =
  | { readonly kind: 'config'; readonly settingsKey: string; readonly config: Config }
  /** Held requests are answered, and the thread ends when nothing is under way. */
  | { readonly kind: 'drain' };

/** What the thread says: where it listens, and that it has drained. */
export type HandoffThreadReport =
  { readonly kind: 'listening'; readonly port: number } | { readonly kind: 'idle' };

const IDLE_CHECK_MS = 20;

// Handed over by handoff-listener.ts alone.
const { key, logLevel, backlog, configs, arrived } = workerData as HandoffThreadData;
const log = pino({
  name: 'async-request-reply-handoff',
  level: logLevel,
  serializers: { err: serializeError },
});
const stores = new StoreRegistry((error) => log.warn({ err: error }, 'redis connection'));
const routes = new Map<string, { readonly settings: RouteSettings; readonly openStore: OpenStore }>();

// Bodies may take their time; polls and accepts are waited for.
lowerThreadPriority();

const register = (settingsKey: string, config: Config): void => {
  const settings = routeSettings(config, { hasHandoff: true });
  routes.set(settingsKey, { settings, openStore: stores.opener(settings.redis, settings.keyPrefix) });
};

/** nginx comes with a note again where it lost the answer: each counts once. A note begins with 16 random characters. */
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
  onFailure: (error) => log.error({ err: error }, 'request not handled'),
});

configs.forEach(([settingsKey, config]) => register(settingsKey, config));

const report = (message: HandoffThreadReport): void => parentPort?.postMessage(message);

parentPort?.on('message', (message: HandoffThreadMessage) => {
  if (message.kind === 'config') {
    register(message.settingsKey, message.config);
    return;
  }
  stores.requests.release();
  // The socket stays open to the last: nginx may be about to connect with a note of ours.
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
