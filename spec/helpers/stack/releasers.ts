type Step = () => unknown;

/** What was opened, to be closed in reverse order, once, even where closing one thing fails. */
export class Releasers {
  readonly #steps: Step[] = [];
  #released: Promise<void> | null = null;

  /** What is added after the release is closed at once: a start may outlive the hook that timed out on it. */
  add(step: Step): void {
    if (this.#released === null) this.#steps.push(step);
    else this.#released = this.#released.then(() => runAll([step]));
  }

  /** Waits for a start and adds its end. @throws what the start throws: a start that fails cleans up after itself */
  async use<T>(starting: T | Promise<T>, stop: (started: T) => unknown): Promise<T> {
    const started = await starting;
    this.add(() => stop(started));
    return started;
  }

  /** @throws the first failure, after everything was tried */
  release(): Promise<void> {
    this.#released ??= runAll(this.#steps.reverse());
    return this.#released;
  }
}

async function runAll(steps: readonly Step[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
