// The handoff listener: nginx proxies large uploads to it, and fetches large results from it. Each request carries a ticket from the
// access side, which says what to do with it. A request without a ticket is rejected.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AsyncError } from '../errors/async-error';
import { problemReply } from '../errors/problem-reply';
import type { RouteContext } from '../access/access-context';
import type { StreamingCommand } from '../access/gateway-action';
import { internalErrorReply, jobHeaders } from '../access/replies';
import { OWN_ANSWER_FIELDS, type HeaderField, type Reply } from '../http/reply';
import { JobReceiver } from './receive-job';
import { streamReply } from './stream-reply';
import type { TicketSealer } from './ticket-sealer';
import { TICKET_HEADER, type LeasedRoute } from './types';
import { UploadAbortedError } from './upload-body';

/** A ticket is a header field that contains all fields of a request, so that it can be long. */
const MAX_HEADER_BYTES = 1024 * 1024;

/** Longer than the 60 s for which nginx keeps idle connections: it must not find a connection closed that it is about to use. */
const KEEP_ALIVE_MS = 75_000;

/** A connection without traffic for this time is closed. An upload or download may take any time. */
const IDLE_MS = 300_000;

interface HandoffServerOptions {
  readonly sealer: TicketSealer;
  /** The route that a ticket names, leased for the request; undefined if its settings are not known. */
  readonly leaseRoute: (settingsKey: string) => LeasedRoute | undefined;
  /** Called with each valid ticket that a request brings. */
  readonly onTicket?: (text: string) => void;
  /** Called with unexpected errors. */
  readonly onFailure: (error: unknown) => void;
}

const rejected = (): AsyncError =>
  new AsyncError('handoff-refused', { detail: 'The request has no valid ticket of this plugin server.' });

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
        // nginx has parsed the request and framed it anew, and accepts control characters in field values.
        insecureHTTPParser: true,
      },
      (request, response) => {
        this.#underWay += 1;
        response.once('close', () => (this.#underWay -= 1));
        void this.#answer(request, response);
      },
    );
    this.#server.timeout = IDLE_MS;
    // The bytes of the head are limited instead. By default Node.js drops fields after the thousandth, and the ticket is the last.
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
      // A client must not take a truncated response for a whole one.
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
    const route = isValid ? this.#options.leaseRoute(ticket.settingsKey) : undefined;
    if (ticket === undefined || route === undefined) {
      const reply = problemReply(rejected(), OWN_ANSWER_FIELDS);
      await streamReply({ request, response, reply, route: undefined });
      return;
    }
    try {
      await this.#executeFor(route, ticket.command, request, response);
    } finally {
      route.release();
    }
  }

  async #executeFor(
    route: RouteContext,
    command: StreamingCommand,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const reply =
      command.kind === 'replay'
        ? command
        : await this.#receiver
            .receive(command, route, request)
            .catch((error: unknown) => this.#rejection(error, route));
    try {
      await streamReply({ request, response, reply, route });
    } catch (error) {
      if (!(error instanceof AsyncError) || response.headersSent) {
        throw error;
      }
      const rejection = this.#rejection(error, route);
      const presets = command.kind === 'replay' ? (command.presets ?? []) : [];
      await streamReply({ request, response, reply: withoutPresets(rejection, presets), route });
    }
  }

  #rejection(error: unknown, { settings }: RouteContext): Reply {
    if (error instanceof UploadAbortedError) {
      throw error;
    }
    if (!(error instanceof AsyncError) || error.status >= 500) {
      this.#options.onFailure(error);
    }
    return error instanceof AsyncError
      ? problemReply(error, jobHeaders(settings, error.jobId))
      : internalErrorReply();
  }
}

/** Kong already sends the presets. Only `Cache-Control` may be sent twice: its values are one list. */
function withoutPresets(reply: Reply, presets: readonly HeaderField[]): Reply {
  const names = new Set(presets.map(([name]) => name));
  names.delete('Cache-Control');
  return { ...reply, headers: reply.headers.filter(([name]) => !names.has(name)) };
}
