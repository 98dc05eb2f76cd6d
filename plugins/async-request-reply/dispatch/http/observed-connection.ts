// What is seen of the connection of a client: how it ends, and where responses begin. It is read in a way that shows a reset,
// and is paused without undici's knowledge.
import type { Socket } from 'node:net';
import { InterimResponses } from './interim-responses';

export class ObservedConnection {
  /** It has ended, in whatever way. */
  isOver = false;
  /** It has ended in another way than a connection that is closed does. */
  wasReset = false;
  #socket: Socket | undefined;
  #interim = new InterimResponses();
  #isPaused = false;
  /** How much comes is not known, or not yet: only the way in which the connection ends will tell. */
  #endsByClose = true;

  /** The other end has switched to another protocol. */
  get hasSwitched(): boolean {
    return this.#interim.hasSwitched;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The client has a new connection. To be called before it listens to the socket. */
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
      // Not within the event that brought the last bytes: libuv would then take a reset that came with them for an end.
      if (this.#endsByClose) {
        setImmediate(startReading, size);
      } else {
        startReading(size);
      }
    };
  }

  /** A request goes out: the next byte is the first of a response. */
  expectResponse(): void {
    this.#endsByClose = true;
    this.#isPaused = false;
    this.#interim.expectResponse();
  }

  /** The response says itself where it ends. */
  expectFramedBody(): void {
    this.#endsByClose = false;
  }

  /** Nothing is read from now on, and the other end can send no more than the system takes. */
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
