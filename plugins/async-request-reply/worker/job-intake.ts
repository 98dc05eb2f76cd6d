// Whether a worker takes jobs of a queue: not while each job that may come needs a secret that it lacks, so that those
// who have it get them all. Where only some jobs do, they go back to the queue one by one: run-job.ts.
//
//   idle ──heed: can run──▶ taking ──heed: lacks──▶ resting ──heed: can run──▶ taking
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
   * @param report is told of secrets that are lacking, again and again.
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

  /** @param settings those in force on the queue: under each of them jobs may come. */
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
        this.#log.error({ err: String(error) }, 'worker loop ended');
      });
    } else if (canRun && before === 'resting') {
      await this.#worker.resume();
    } else if (!canRun && before === 'taking') {
      // Calls that run here go on.
      await this.#worker.pauseFetching();
    }
  }

  /** What is heeded from now on changes nothing; the worker is the caller's to pause. */
  stop(): void {
    this.#state = 'stopped';
  }
}
