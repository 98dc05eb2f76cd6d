/** A gate that a spec opens once: what waits for it goes on when the spec says so, not when a clock does. */
export class Latch {
  /** Settles when the latch is open. */
  readonly opened: Promise<void>;
  #isOpen = false;
  #open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => (this.#open = resolve));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  open(): void {
    this.#isOpen = true;
    this.#open();
  }
}
