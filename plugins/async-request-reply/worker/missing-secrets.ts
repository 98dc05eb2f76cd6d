// Logs which secrets a worker lacks, once for each queue and secret: a secret that was added is not removed again.
import type pino from 'pino';

export class MissingSecrets {
  readonly #log: pino.Logger;
  readonly #reported = new Set<string>();

  constructor(log: pino.Logger) {
    this.#log = log;
  }

  /** @param names setting and fingerprint of each secret, never the secret itself. */
  report(queue: string, names: readonly string[]): void {
    const lacks = [...new Set(names)].filter((name) => !this.#reported.has(`${queue} ${name}`)).sort();
    if (lacks.length > 0) {
      lacks.forEach((name) => this.#reported.add(`${queue} ${name}`));
      this.#log.warn(
        { queue, lacks },
        'this worker lacks secrets; it leaves the jobs that need them to other workers',
      );
    }
  }
}
