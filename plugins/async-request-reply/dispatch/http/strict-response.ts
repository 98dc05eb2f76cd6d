// One response, read strictly: its framing is one of RFC 9112, it is complete, and a status without content has none, whatever
// its fields state.
import { DecoratorHandler, errors, type Dispatcher } from 'undici';
import { ObservedConnection } from './observed-connection';

/** The connection ended before the response was complete. */
export class IncompleteResponseError extends Error {
  readonly code = 'ARR_RESPONSE_INCOMPLETE';

  constructor(cause?: unknown) {
    super('the connection ended before all of the response had come', { cause });
  }
}

/** The response is not HTTP/1.1, or not in a form that a gateway may accept. */
export class MalformedResponseError extends Error {
  readonly code = 'ARR_RESPONSE_MALFORMED';
}

const NO_CONTENT: ReadonlySet<number> = new Set([204, 304]);

/** @throws MalformedResponseError */
function isEndedByClose(
  method: string,
  status: number,
  fields: Dispatcher.DispatchController['rawHeaders'],
): boolean {
  const codings = valuesOf(fields, 'transfer-encoding');
  const lengths = valuesOf(fields, 'content-length');
  if (method === 'HEAD' || NO_CONTENT.has(status)) {
    return false;
  }
  if (codings.length > 0 && codings.join().trim().toLowerCase() !== 'chunked') {
    throw new MalformedResponseError('its transfer coding is another than chunked');
  }
  if (codings.length > 0 && lengths.length > 0) {
    throw new MalformedResponseError('it states a length beside a transfer coding');
  }
  return codings.length === 0 && lengths.length === 0;
}

function valuesOf(raw: Dispatcher.DispatchController['rawHeaders'], name: string): string[] {
  const values: string[] = [];
  if (!Array.isArray(raw)) {
    return values;
  }
  for (let at = 0; at + 1 < raw.length; at += 2) {
    if (String(raw[at]).toLowerCase() === name) {
      values.push(String(raw[at + 1]));
    }
  }
  return values;
}

/** Whether the parser failed at bytes that it received, and not at the end of the connection; undici puts them in the error. */
const isOfBytes = (error: Error): boolean =>
  error instanceof errors.HTTPParserError && Boolean((error as Error & { data?: string }).data);

/** Stands between undici and a handler. Its errors are the two above, or those of undici and of the system. */
export class StrictResponse implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #method: string;
  #connection = new ObservedConnection();
  #controller: StrictController | undefined;
  #status = 0;
  #endsByClose = false;
  #isOver = false;

  constructor(handler: Dispatcher.DispatchHandler, method: string) {
    // undici's own API uses handlers of an older interface.
    this.#handler = handler.onRequestStart === undefined ? new DecoratorHandler(handler) : handler;
    this.#method = method;
  }

  /** To be called before the request is sent. */
  comesOver(connection: ObservedConnection): void {
    this.#connection = connection;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#connection.expectResponse();
    this.#handler.onRequestStart?.(this.#strict(controller), context);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
    reason?: string,
  ): void {
    if (status < 200) {
      return; // The response is still to come (RFC 9110, 15.2).
    }
    try {
      this.#endsByClose = isEndedByClose(this.#method, status, controller.rawHeaders);
    } catch (error) {
      this.onResponseError(controller, error as Error);
      controller.abort(error as Error);
      return;
    }
    if (!this.#endsByClose) {
      this.#connection.expectFramedBody();
    }
    this.#status = status;
    this.#handler.onResponseStart?.(this.#strict(controller), status, headers, reason);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver) {
      this.#handler.onResponseData?.(this.#strict(controller), chunk);
    }
  }

  onResponseEnd(
    controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[]>,
  ): void {
    if (this.#endsByClose && this.#connection.wasReset) {
      this.onResponseError(controller, new IncompleteResponseError());
      return;
    }
    this.#end(() => this.#handler.onResponseEnd?.(this.#strict(controller), trailers));
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (NO_CONTENT.has(this.#status) && error instanceof errors.ResponseContentLengthMismatchError) {
      // undici expects the content that the length states.
      this.onResponseEnd(controller, {});
      return;
    }
    this.#end(() => this.#handler.onResponseError?.(this.#strict(controller), this.#meaningOf(error)));
  }

  #strict(controller: Dispatcher.DispatchController): StrictController {
    this.#controller ??= new StrictController(controller, this.#connection);
    return this.#controller;
  }

  #meaningOf(error: Error): Error {
    if (error instanceof MalformedResponseError || error instanceof IncompleteResponseError) {
      return error;
    }
    if (this.#status > 0 && this.#connection.isOver && !isOfBytes(error)) {
      return new IncompleteResponseError(error);
    }
    if (
      this.#connection.hasSwitched ||
      error instanceof errors.HTTPParserError ||
      error instanceof errors.ResponseContentLengthMismatchError
    ) {
      return Object.assign(new MalformedResponseError(error.message), { cause: error });
    }
    return error;
  }

  /** Notifies the handler once, and lets the connection be read for the next response. */
  #end(report: () => void): void {
    if (!this.#isOver) {
      this.#isOver = true;
      report();
      this.#controller?.leave();
    }
  }
}

/** undici's controller with another pause: undici's parser fails if it is paused when the connection ends. */
class StrictController implements Dispatcher.DispatchController {
  readonly #controller: Dispatcher.DispatchController;
  #connection: ObservedConnection | undefined;

  constructor(controller: Dispatcher.DispatchController, connection: ObservedConnection) {
    this.#controller = controller;
    this.#connection = connection;
  }

  get aborted(): boolean {
    return this.#controller.aborted;
  }

  get paused(): boolean {
    return this.#connection?.isPaused ?? false;
  }

  get reason(): Error | null {
    return this.#controller.reason;
  }

  get rawHeaders(): NonNullable<Dispatcher.DispatchController['rawHeaders']> | null {
    return this.#controller.rawHeaders ?? null;
  }

  get rawTrailers(): NonNullable<Dispatcher.DispatchController['rawTrailers']> | null {
    return this.#controller.rawTrailers ?? null;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  /** The response is over. Its handler no longer pauses or resumes the connection, which the next response may use. */
  leave(): void {
    this.resume();
    this.#connection = undefined;
  }
}
