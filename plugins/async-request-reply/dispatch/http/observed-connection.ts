// Observes the connection of a client: how it ends, and where responses begin. Its socket is read in a way that reveals a reset,
// and is paused without undici's knowledge.
import type { Socket } from 'node:net';
import { InterimResponses } from './interim-responses';

export class ObservedConnection {
  /** The connection has ended, by a close or a reset. */
  isOver = false;
  /** The connection has ended with an error, and not by a close. */
  wasReset = false;
  #socket: Socket | undefined;
  #interim = new InterimResponses();
  #isPaused = false;
  /** The length of the response is not known, or not yet: how the connection ends shows whether it is complete. */
  #endsByClose = true;

  /** The upstream has switched to another protocol. */
  get hasSwitched(): boolean {
    return this.#interim.hasSwitched;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Observes a new connection. To be called before the client listens to the socket. */
  observe(socket: Socket): void {
    this.isOver = false;
    this.wasReset = false;
    this.#socket = socket;
    const interim = new InterimResponses();
    this.#interim = interim;
    socket.on('end', () => (this.isOver = true));
    socket.on('error', () => (this.isOver = this.wasReset = true));
    const read = socket.read.bind(socket);
    socket.read = (size?: number) => {
      const bytes = this.#isPaused ? null : (read(size) as Buffer | null);
      if (bytes !== null) {
        interim.read(bytes);
      }
      return bytes;
    };
    const startReading = socket._read.bind(socket);
    socket._read = (size) => {
      // Not within the event that brought the last bytes: libuv would report a reset that came with them as an end.
      if (this.#endsByClose) {
        setImmediate(startReading, size);
      } else {
        startReading(size);
      }
    };
  }

  /** A request is sent: the next byte is the first of a response. */
  expectResponse(): void {
    this.#endsByClose = true;
    this.#isPaused = false;
    this.#interim.expectResponse();
  }

  /** The framing of the response shows where it ends. */
  expectFramedBody(): void {
    this.#endsByClose = false;
  }

  /** Stops reading: the upstream can send no more than the buffers of the system hold. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#socket?.emit('readable');
    }
  }
}
