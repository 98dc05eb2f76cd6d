// Says which secrets a worker lacks: once for each queue and secret, since secrets that are there once stay.
import type pino from 'pino';

export class MissingSecrets {
  readonly #log: pino.Logger;
  readonly #reported = new Set<string>();

  constructor(log: pino.Logger) {
    this.#log = log;
  }

  /** @param names setting and fingerprint of each: never the secret. */
  report(queue: string, names: readonly string[]): void {
    const lacks = [...new Set(names)].filter((name) => !this.#reported.has(`${queue} ${name}`)).sort();
    if (lacks.length > 0) {
      lacks.forEach((name) => this.#reported.add(`${queue} ${name}`));
      this.#log.warn({ queue, lacks }, 'secrets are missing here: their jobs are left to other workers');
    }
  }
}
