/** What was opened, to be closed in reverse order, once, even where closing one thing fails. */
export class Releasers {
  readonly #steps: (() => Promise<void>)[] = [];
  #released: Promise<void> | null = null;

  add(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  /** @throws the first failure, after everything was tried */
  release(): Promise<void> {
    this.#released ??= this.#run();
    return this.#released;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
