// One HTTP call to an upstream: sends a stored request unchanged, and stores the response byte for byte. Both bodies are
// streamed: no more than a few chunks of either are in memory.
//
//   connecting ──mayStart──▶ sent ──head──▶ receiving ──end──▶ response
//   any ──error, time limit, limit of size──▶ failure        any ──signal──▶ aborted
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { headBytes } from '../../http/head-size';
import { INLINE_MAX_RESPONSE_BYTES } from '../../http/inline-limits';
import type { HeaderField } from '../../http/reply';
import type { ResponseHead, UpstreamRequestHead } from '../../http/upstream-request';
import { toUriHost } from '../../http/uri-host';
import type { CallFailure, CallOutcome } from '../call-outcome';
import type { ResponseSink } from '../dispatcher';
import { CHUNK_BYTES } from '../../payloads/payload';
import type { StoredPayload } from '../../payloads/payload-reader';
import type { PayloadWriter } from '../../payloads/payload-writer';
import { responseHead } from './response-head';
import { classifyFailure } from './classify-failure';

interface CallOptions {
  /** Sent beside the stored ones. */
  readonly moreFields: readonly HeaderField[];
  readonly timeoutMs: number;
  readonly maxResponseBytes: number;
  /** Limit of the header section of a response whose body is over INLINE_MAX_RESPONSE_BYTES. */
  readonly maxHandoffHeadBytes: number;
  /** Ends the call. Its connection is closed, so that the upstream can notice. */
  readonly signal: AbortSignal;
  /** Called right before the request is written. If it returns false, `signal` has ended the call. */
  readonly mayStart: () => boolean;
  /** Stores the response's body. */
  readonly sink: ResponseSink;
}

/**
 * Makes the call. Never rejects: every failure is an outcome. What was stored of an incomplete response is deleted first.
 */
export async function callUpstream(
  dispatcher: Dispatcher,
  stored: StoredPayload<UpstreamRequestHead>,
  options: CallOptions,
): Promise<CallOutcome> {
  const request = stored.head;
  let body: Buffer | Readable | null;
  try {
    body = await requestBody(stored);
  } catch (error) {
    return classifyFailure(error, false, false);
  }
  return new Promise((resolve) => {
    const call = new UpstreamCall(request.method, options, resolve);
    try {
      dispatcher.dispatch(
        {
          origin: originOf(request),
          path: request.path,
          method: request.method,
          headers: [...request.headers, ...options.moreFields].flat(),
          body,
        },
        call,
      );
    } catch (error) {
      call.onResponseError(null, error);
    }
  });
}

/** A body of one chunk has been read with its head. */
async function requestBody(stored: StoredPayload<UpstreamRequestHead>): Promise<Buffer | Readable | null> {
  if (stored.bytes === 0) {
    return null;
  }
  return stored.bytes <= CHUNK_BYTES ? stored.body() : Readable.from(stored.read(), { objectMode: false });
}

function originOf({ target }: UpstreamRequestHead): string {
  return `${target.scheme}://${toUriHost(target.host)}:${String(target.port)}`;
}

/** undici's handler for one request. The first end that occurs is the outcome. */
class UpstreamCall implements Dispatcher.DispatchHandler {
  readonly #method: string;
  readonly #options: CallOptions;
  readonly #resolve: (outcome: CallOutcome) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#end({ kind: 'aborted', mayHaveArrived: this.#sent });
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #ended = false;
  #head: ResponseHead | undefined;
  #body: PayloadWriter | undefined;
  #bytes = 0;
  #headBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;

  constructor(method: string, options: CallOptions, resolve: (outcome: CallOutcome) => void) {
    this.#method = method;
    this.#options = options;
    this.#resolve = resolve;
    this.#timer = setTimeout(() => this.#end(this.#timeout()), options.timeoutMs);
    if (options.signal.aborted) {
      this.#onAbort();
    } else {
      options.signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  /** undici calls this right before it writes the request to a connected socket. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (!this.#options.mayStart() || this.#ended) {
      controller.abort(new Error('the call has ended'));
      return;
    }
    this.#sent = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number): void {
    if (statusCode > 599) {
      this.#end(
        this.#badResponse(
          `The upstream answered with status ${String(statusCode)}, which HTTP does not have.`,
        ),
      );
      return;
    }
    this.#head = responseHead(this.#method, statusCode, controller.rawHeaders);
    this.#headBytes = headBytes(statusCode, this.#head.headers);
    this.#body = this.#options.sink(this.#head);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    const excess = this.#excess();
    if (excess !== undefined) {
      this.#end(excess);
      return;
    }
    // Once the connection has ended, undici delivers empty pieces endlessly to a handler that pauses at each of them.
    if (chunk.length > 0) {
      this.#take(controller, chunk);
    }
  }

  /** Returns the failure if the part of the response that has been received is too large. */
  #excess(): CallFailure | undefined {
    const { maxResponseBytes, maxHandoffHeadBytes } = this.#options;
    if (this.#bytes > maxResponseBytes) {
      return tooLarge(
        'http_response_body_size',
        `The upstream response is over the limit of ${String(maxResponseBytes)} bytes.`,
      );
    }
    return this.#bytes > INLINE_MAX_RESPONSE_BYTES && this.#headBytes > maxHandoffHeadBytes
      ? tooLarge(
          'http_response_header_section_size',
          `The header section of the upstream's response has ${String(this.#headBytes)} bytes. ` +
            `Kong takes ${String(maxHandoffHeadBytes)} where the body has more than ${String(INLINE_MAX_RESPONSE_BYTES)}.`,
        )
      : undefined;
  }

  /** Writes a piece. Reading from the upstream pauses while more than a chunk waits to be written. */
  #take(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#waitingBytes += chunk.length;
    const isFull = this.#waitingBytes > CHUNK_BYTES;
    if (isFull) {
      controller.pause();
    }
    this.#writing = this.#writing.then(async () => {
      await this.#body?.write(chunk);
      this.#waitingBytes -= chunk.length;
      if (isFull) {
        controller.resume();
      }
    });
    this.#writing.catch((error: unknown) => this.onResponseError(controller, error));
  }

  onResponseEnd(): void {
    // The upstream has completed its response. The writes that are left may take as long as the lease.
    clearTimeout(this.#timer);
    const head = this.#head;
    const body = this.#body;
    this.#writing.then(
      () =>
        this.#end(
          head === undefined || body === undefined
            ? this.#badResponse('The upstream ended its answer without a response.')
            : { kind: 'response', head, body },
        ),
      () => undefined,
    );
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.#end(classifyFailure(error, this.#sent, this.#head !== undefined));
  }

  #timeout(): CallFailure {
    return {
      kind: 'failure',
      code: 'upstream-timeout',
      detail: `The upstream did not complete its response within ${String(this.#options.timeoutMs)} ms.`,
      proxyError: this.#sent ? 'http_response_timeout' : 'connection_timeout',
      mayHaveArrived: this.#sent,
      retryable: true,
    };
  }

  #badResponse(detail: string): CallFailure {
    return {
      kind: 'failure',
      code: 'bad-response',
      detail,
      proxyError: 'http_protocol_error',
      mayHaveArrived: true,
      retryable: false,
    };
  }

  #end(outcome: CallOutcome): void {
    if (this.#ended) {
      return;
    }
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    const partial = outcome.kind === 'response' ? undefined : this.#body?.discard();
    Promise.resolve(partial)
      .catch(() => undefined)
      .then(() => this.#resolve(outcome))
      .catch(() => undefined);
    if (outcome.kind !== 'response' && this.#controller?.aborted === false) {
      this.#controller.abort(new Error('the call has ended'));
    }
  }
}

const tooLarge = (proxyError: string, detail: string): CallFailure => ({
  kind: 'failure',
  code: 'response-too-large',
  detail,
  proxyError,
  mayHaveArrived: true,
  retryable: false,
});
