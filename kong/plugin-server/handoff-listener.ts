// Runs the handoff listener in a thread of the plugin server, and issues the tickets for it.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { newSealingKey, TicketSealer } from '../../plugins/async-request-reply/handoff/ticket-sealer';
import type { HandoffListener, HandoffTicket } from '../../plugins/async-request-reply/handoff/types';
import type { Config } from '../../schemas/generated/config-type';
import { superviseThread } from '../process/supervised-thread';
import type { HandoffThreadData, HandoffThreadMessage, HandoffThreadReport } from './handoff-thread';

/** V8's young generation: three spaces of 4 MiB. By default a stream of buffers grows it to 48 MiB without benefit (docs/benchmarks.md). */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 12 };

/**
 * How long to wait for nginx to connect with a ticket. It needs far less if it already has the request, as with a poll. An
 * upload that nginx is still receiving then fails with 502.
 */
const CONNECT_MS = 5000;

const CONNECT_CHECK_MS = 20;

/** Settings that tickets may name, including those of instances that a reload has replaced. */
const MAX_CONFIGS = 10_000;

export class ThreadedHandoffListener implements HandoffListener {
  readonly #log: Logger;
  readonly #options: Pick<HandoffThreadData, 'logLevel' | 'backlog'>;
  readonly #key = newSealingKey();
  readonly #sealer = new TicketSealer(this.#key);
  readonly #configs = new Map<string, Config>();
  /** Shared with the thread: see `HandoffThreadData`. */
  readonly #arrived = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #sealed = 0;
  #sealedAt = 0;
  #thread: Worker | undefined;
  #port: number | undefined;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  private constructor(log: Logger, options: Pick<HandoffThreadData, 'logLevel' | 'backlog'>) {
    this.#log = log;
    this.#options = options;
  }

  /** Starts the listener and resolves when it listens. @throws Error if it cannot listen. */
  static async start(
    log: Logger,
    options: Pick<HandoffThreadData, 'logLevel' | 'backlog'>,
  ): Promise<ThreadedHandoffListener> {
    const listener = new ThreadedHandoffListener(log, options);
    await listener.#start();
    return listener;
  }

  register(config: Config): string {
    const settingsKey = createHash('sha256').update(JSON.stringify(config)).digest('base64url');
    if (!this.#configs.has(settingsKey)) {
      this.#configs.set(settingsKey, config);
      const [oldest] = this.#configs.keys();
      if (this.#configs.size > MAX_CONFIGS && oldest !== undefined) {
        this.#configs.delete(oldest);
      }
      this.#post({ kind: 'config', settingsKey, config });
    }
    return settingsKey;
  }

  port(): number | undefined {
    return this.#port;
  }

  seal(ticket: HandoffTicket): string {
    this.#sealed += 1;
    this.#sealedAt = performance.now();
    return this.#sealer.seal(ticket);
  }

  #post(message: HandoffThreadMessage): void {
    this.#thread?.postMessage(message);
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      superviseThread({
        file: path.join(__dirname, 'handoff-thread'),
        name: 'handoff listener',
        log: this.#log,
        isWanted: () => !this.#stopping,
        options: () => {
          const workerData: HandoffThreadData = {
            ...this.#options,
            key: this.#key,
            configs: [...this.#configs],
            arrived: this.#arrived,
          };
          return { workerData, resourceLimits: RESOURCE_LIMITS };
        },
        onStart: (thread) => {
          this.#thread = thread;
          thread.on('message', (report: HandoffThreadReport) => {
            if (report.kind === 'listening') {
              this.#port = report.port;
              this.#log.info({ port: report.port }, 'handoff listener started');
              resolve();
            }
          });
        },
        onExit: () => {
          this.#port = undefined;
          // Without effect once the listener has started.
          reject(new Error('the handoff listener did not start'));
        },
      });
    });
  }

  /** Waits for nginx to connect with the tickets that it got a moment ago. */
  async #untilArrived(): Promise<void> {
    while (Atomics.load(this.#arrived, 0) < this.#sealed && performance.now() - this.#sealedAt < CONNECT_MS) {
      await delay(CONNECT_CHECK_MS);
    }
  }

  /** Waits for the requests in progress, including those that nginx is about to send, and ends the thread. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    const thread = this.#thread;
    if (thread === undefined) {
      return;
    }
    await this.#untilArrived();
    await new Promise<void>((resolve) => {
      thread.on('message', (report: HandoffThreadReport) => {
        if (report.kind === 'idle') {
          resolve();
        }
      });
      thread.once('exit', () => resolve());
      this.#post({ kind: 'drain' });
    });
    await thread.terminate();
  }
}
