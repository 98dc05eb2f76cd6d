// A receiver of callbacks over https. It records each call and responds as a spec defines, with 204 by default.
import { createServer, type Server } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Identity } from './certificates';
import { until } from './until';

export interface Callback {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface CallbackAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  /** The answer waits for it. */
  readonly after?: Promise<void>;
}

export class CallbackReceiver {
  readonly calls: Callback[] = [];
  /** Calls whose caller hung up before they were answered. */
  abandoned = 0;
  readonly #answers = new Map<string, CallbackAnswer[]>();
  readonly #server: Server;

  private constructor({ key, cert }: Identity) {
    this.#server = createServer({ key, cert }, (request, response) => {
      const chunks: Buffer[] = [];
      response.on('close', () => (this.abandoned += Number(!response.writableEnded)));
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url ?? '';
        this.calls.push({ path, headers: request.headers, body: Buffer.concat(chunks).toString() });
        const answers = this.#answers.get(path) ?? [];
        const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 204 };
        void (answer.after ?? Promise.resolve()).then(() =>
          response.writeHead(answer.status, answer.headers).end(),
        );
      });
    });
  }

  /** @param identity its certificate. */
  static async start(identity: Identity): Promise<CallbackReceiver> {
    const receiver = new CallbackReceiver(identity);
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The first call of a path gets the first answer, and so on, all further ones the last. */
  script(path: string, ...answers: CallbackAnswer[]): void {
    this.#answers.set(path, answers);
  }

  callsTo(path: string): Callback[] {
    return this.calls.filter((call) => call.path === path);
  }

  /** Waits for so many calls of a path. */
  async called(path: string, count = 1): Promise<Callback[]> {
    return await until(`${count} callbacks to ${path}`, () =>
      this.callsTo(path).length >= count ? this.callsTo(path) : null,
    );
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
