// The handoff listener: nginx proxies large uploads here, and fetches large results from here. Each request carries a note
// from access that says all about it; whatever comes without one is refused.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AsyncError } from '../errors/async-error';
import { KnownJobError } from '../errors/known-job-error';
import { problemReply } from '../errors/problem-reply';
import { internalErrorReply, jobHeaders } from '../access/replies';
import { OWN_ANSWER_FIELDS, type HeaderField, type Reply } from '../http/reply';
import type { TicketSealer } from './ticket-sealer';
import { TICKET_HEADER, type StreamingCommand } from './streaming-command';
import { JobReceiver } from './receive-job';
import { UploadAbortedError } from './upload-body';
import { sendReply } from './send-reply';
import type { HandoffTarget, LeasedTarget } from './target';

/** Notes are in a header field; with all of a request's fields in them they can be long. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** nginx keeps idle connections for 60 s, and must not find one closed that it is about to use. */
const KEEP_ALIVE_MS = 75_000;

/** A connection on which nothing moves for so long is closed; an upload or download may take any time. */
const IDLE_MS = 300_000;

export interface HandoffServerOptions {
  readonly sealer: TicketSealer;
  /** The instance that a note names, for the request that came with it. */
  readonly target: (settingsKey: string) => LeasedTarget | undefined;
  /** Told of each note that a request comes with. */
  readonly onTicket?: (text: string) => void;
  /** Told of what should not have happened. */
  readonly onFailure: (error: unknown) => void;
}

const rejected = (): AsyncError =>
  new AsyncError('handoff-refused', { detail: 'The request has no valid note of this plugin server.' });

export class HandoffServer {
  readonly #options: HandoffServerOptions;
  readonly #receiver = new JobReceiver();
  readonly #server: Server;
  #underWay = 0;

  constructor(options: HandoffServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: MAX_HEADER_BYTES,
        keepAliveTimeout: KEEP_ALIVE_MS,
        requestTimeout: 0,
        // nginx has parsed the request and framed it anew, and takes control characters in the values of fields.
        insecureHTTPParser: true,
      },
      (request, response) => {
        this.#underWay += 1;
        response.once('close', () => (this.#underWay -= 1));
        void this.#answer(request, response);
      },
    );
    this.#server.timeout = IDLE_MS;
    // Bytes are the bound. By default Node.js drops what is behind the thousandth field, and the note is the last.
    this.#server.maxHeadersCount = 0;
  }

  /** Listens on a free port of the loopback interface. @returns the port. */
  async listen(backlog: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port: 0, backlog }, resolve);
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Requests that are being answered. */
  get underWay(): number {
    return this.#underWay;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#execute(request, response);
    } catch (error) {
      if (!(error instanceof UploadAbortedError) && !response.destroyed) {
        this.#options.onFailure(error);
      }
      // Half an answer must not be taken for one.
      response.destroy();
    }
  }

  async #execute(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = request.headers[TICKET_HEADER];
    const ticket = typeof text === 'string' ? this.#options.sealer.open(text) : undefined;
    const isValid = ticket !== undefined && ticket.method === request.method;
    if (isValid && typeof text === 'string') {
      this.#options.onTicket?.(text);
    }
    const target = isValid ? this.#options.target(ticket.settingsKey) : undefined;
    if (ticket === undefined || target === undefined) {
      const reply = problemReply(rejected(), OWN_ANSWER_FIELDS);
      await sendReply(request, response, reply, undefined);
      return;
    }
    try {
      await this.#executeFor(target, ticket.command, request, response);
    } finally {
      target.release();
    }
  }

  async #executeFor(
    target: HandoffTarget,
    command: StreamingCommand,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const reply =
      command.kind === 'replay'
        ? command
        : await this.#receiver
            .receive(command, target, request)
            .catch((error: unknown) => this.#rejection(error, target.settings));
    try {
      await sendReply(request, response, reply, target);
    } catch (error) {
      if (!(error instanceof AsyncError) || response.headersSent) {
        throw error;
      }
      const rejection = this.#rejection(error, target.settings);
      await sendReply(
        request,
        response,
        command.kind === 'replay' ? without(rejection, command.presets ?? []) : rejection,
        target,
      );
    }
  }

  #rejection(error: unknown, settings: HandoffTarget['settings']): ReturnType<typeof problemReply> {
    if (error instanceof UploadAbortedError) {
      throw error;
    }
    if (!(error instanceof AsyncError) || error.status >= 500) {
      this.#options.onFailure(error);
    }
    return error instanceof AsyncError
      ? problemReply(error, jobHeaders(settings, error instanceof KnownJobError ? error.jobId : undefined))
      : internalErrorReply();
  }
}

/** Kong sends the others once already; several `Cache-Control` are one list. */
const without = (reply: Reply, presets: readonly HeaderField[]): Reply => {
  const names = new Set(presets.map(([name]) => name));
  names.delete('Cache-Control');
  return { ...reply, headers: reply.headers.filter(([name]) => !names.has(name)) };
};
