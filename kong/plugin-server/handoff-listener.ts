// Starts the handoff listener beside the plugin server, and writes the notes for it.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { newSealingKey, TicketSealer } from '../../plugins/async-request-reply/handoff/ticket-sealer';
import type { HandoffListener, HandoffTicket } from '../../plugins/async-request-reply/handoff/types';
import type { Config } from '../../schemas/generated/config-type';
import type { HandoffThreadData, HandoffThreadMessage, HandoffThreadReport } from './handoff-thread';

/** A thread that died is started again after this: a fault that comes back must not become a busy loop. */
const RESTART_MS = 1000;

/**
 * Of V8's young generation, three parts of 4 MiB: by default it grows to 48 MiB under a stream of buffers, for nothing
 * (docs/benchmarks.md).
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 12 };

/**
 * How long nginx may take to come with a note: far less than this where it has the request already, as with a poll. An upload that is
 * still on its way to nginx is not waited for, and is 502 then.
 */
const CONNECT_MS = 5000;

const CONNECT_CHECK_MS = 20;

/** Settings that notes may still name: of instances that a reload has replaced too. */
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

  /** Starts the listener and resolves when it listens. @throws Error where it cannot. */
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
    const file = path.join(__dirname, `handoff-thread${path.extname(__filename)}`);
    const workerData: HandoffThreadData = {
      ...this.#options,
      key: this.#key,
      configs: [...this.#configs],
      arrived: this.#arrived,
    };
    const thread = new Worker(file, { workerData, resourceLimits: RESOURCE_LIMITS });
    this.#thread = thread;
    return new Promise((resolve, reject) => {
      thread.on('message', (report: HandoffThreadReport) => {
        if (report.kind === 'listening') {
          this.#port = report.port;
          this.#log.info({ port: report.port }, 'handoff listener started');
          resolve();
        }
      });
      thread.on('error', (error: unknown) => {
        this.#log.error({ err: String(error) }, 'handoff listener failed');
      });
      thread.on('exit', () => {
        this.#port = undefined;
        reject(new Error('the handoff listener did not start'));
        if (!this.#stopping) {
          setTimeout(() => void this.#start().catch(() => undefined), RESTART_MS);
        }
      });
    });
  }

  /** Lets nginx come with the notes that it was given a moment ago. */
  async #untilArrived(): Promise<void> {
    while (Atomics.load(this.#arrived, 0) < this.#sealed && performance.now() - this.#sealedAt < CONNECT_MS) {
      await delay(CONNECT_CHECK_MS);
    }
  }

  /** Lets the requests that are under way end, those too with which nginx is about to come, and then the thread. Idempotent. */
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
