// Decides whether a worker takes jobs of a queue. It skips the queue if it lacks a secret that every job there needs, so that workers
// that have the secret get the jobs. If only some jobs need it, the worker releases those one by one: load-attempt-inputs.ts.
//
//   idle ──apply: can run──▶ taking ──apply: lacks──▶ resting ──apply: can run──▶ taking
//   any ──stop──▶ stopped
import type pino from 'pino';
import type { SecretStore } from '../secrets/secret-store';
import { secretsFor } from '../jobs/secrets-for';
import type { JobSettings } from '../jobs/job-settings';
import type { BullmqWorker } from './bullmq-worker';

export class JobIntake {
  readonly #worker: BullmqWorker;
  readonly #secrets: SecretStore;
  readonly #log: pino.Logger;
  readonly #report: (names: readonly string[]) => void;
  #state: 'idle' | 'taking' | 'resting' | 'stopped' = 'idle';

  /**
   * @param worker with `autorun: false`.
   * @param report is called with the names of missing secrets each time that settings are applied.
   */
  constructor(
    worker: BullmqWorker,
    secrets: SecretStore,
    log: pino.Logger,
    report: (names: readonly string[]) => void,
  ) {
    this.#worker = worker;
    this.#secrets = secrets;
    this.#log = log;
    this.#report = report;
  }

  /** @param settings all that are registered for the queue: each may apply to its next job. */
  async apply(settings: readonly JobSettings[]): Promise<void> {
    if (this.#state === 'stopped') {
      return;
    }
    const outcomes = settings.map((one) => secretsFor(one, this.#secrets));
    this.#report(outcomes.flatMap((outcome) => (outcome.kind === 'missing' ? outcome.names : [])));
    const canRun = outcomes.length === 0 || outcomes.some(({ kind }) => kind === 'complete');
    const before = this.#state;
    this.#state = canRun ? 'taking' : before === 'idle' ? 'idle' : 'resting';
    if (canRun && before === 'idle') {
      this.#worker.run().catch((error: unknown) => {
        this.#log.error(
          { err: error },
          'BullMQ ended the loop that fetches jobs: this worker takes no more jobs of the queue until it restarts',
        );
      });
    } else if (canRun && before === 'resting') {
      await this.#worker.resume();
    } else if (!canRun && before === 'taking') {
      // Calls that are under way continue.
      await this.#worker.pauseFetching();
    }
  }

  /** Ignores settings from now on. The caller pauses the worker. */
  stop(): void {
    this.#state = 'stopped';
  }
}
