import type { FileHandle } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { openNameless } from './nameless-file';

/** nginx's `proxy_buffers` are pages: what fills none waits for more, or for the end. */
const BUFFER_BYTES = 4096;
const READ_BYTES = 65_536;

/**
 * Sends a response as nginx does with `proxy_buffering on`: takes it at the upstream's pace, in a file from where the
 * client is slower, and keeps back what fills no buffer. A source that fails ends the sink without an end.
 */
export async function sendBuffered(source: Readable, sink: Writable): Promise<void> {
  const spool = new Spool(sink);
  const held: Buffer[] = [];
  let heldBytes = 0;
  const flush = async (): Promise<void> => {
    heldBytes = 0;
    await spool.write(Buffer.concat(held.splice(0)));
  };
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      held.push(chunk);
      heldBytes += chunk.length;
      if (heldBytes >= BUFFER_BYTES) await flush();
    }
    await flush();
    await spool.sent();
    sink.end();
  } catch {
    await flush();
    await spool.sent();
    await spool.flushed();
    sink.destroy();
  } finally {
    await spool.close();
  }
}

/** Writes to the sink while that takes it, and from then on through a file. */
class Spool {
  #file: FileHandle | null = null;
  #written = 0;
  #sent = 0;
  #sending: Promise<void> = Promise.resolve();
  #flushed: Promise<void> = Promise.resolve();

  constructor(private readonly sink: Writable) {}

  async write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.sink.destroyed) return;
    if (!this.#file && !this.sink.writableNeedDrain) {
      this.#give(bytes);
      return;
    }
    this.#file ??= await openNameless();
    await this.#file.write(bytes, 0, bytes.length, this.#written);
    this.#written += bytes.length;
    this.#sending = this.#sending.then(() => this.#send());
  }

  /** Resolves when the sink has everything, or has gone. */
  async sent(): Promise<void> {
    await this.#sending;
  }

  /** Resolves when the kernel has what the sink has. */
  async flushed(): Promise<void> {
    await this.#flushed;
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  #give(bytes: Buffer): void {
    this.#flushed = new Promise((resolve) => {
      this.sink.once('close', resolve);
      this.sink.write(bytes, () => {
        this.sink.off('close', resolve);
        resolve();
      });
    });
  }

  async #send(): Promise<void> {
    while (this.#file && this.#sent < this.#written) {
      await roomIn(this.sink);
      if (this.sink.destroyed) return;
      const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, this.#written - this.#sent));
      const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, this.#sent);
      this.#sent += bytesRead;
      this.#give(bytes.subarray(0, bytesRead));
    }
  }
}

/** Resolves when the sink takes more, or takes nothing any more. */
async function roomIn(sink: Writable): Promise<void> {
  if (sink.destroyed || !sink.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      sink.off('drain', done).off('close', done);
      resolve();
    };
    sink.on('drain', done).on('close', done);
  });
}
