// Makes one try of a callback: a POST over https. Only the status of the response counts.
import { request } from 'undici';
import type { HeaderField } from '../http/reply';
import { retryAfterMs } from '../http/retry-after';
import { StrictAgent } from '../dispatch/http/strict-agent';
import { isAddress, isPublicAddress, PrivateAddressError, publicLookup } from './public-address';

export type TryOutcome =
  | { readonly kind: 'delivered' }
  /** 410: the receiver does not want the callback. */
  | { readonly kind: 'unwanted' }
  /** `why` is a status or a code, for the log. Messages of errors may quote the URL, which may carry a token. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number | undefined };

const CONNECT_LIMIT_MS = 10_000;
const LIMIT_MS = 20_000;

/** How much of a response is read, and discarded, to keep its connection. */
const MAX_RESPONSE_BYTES = 64 * 1024;

const GONE = 410;

export class CallbackCaller {
  readonly #public = openAgent({ lookup: publicLookup() });
  readonly #any = openAgent({});

  /** Never rejects. A redirect is a failure: it is not followed. */
  async try(
    url: string,
    allowPrivate: boolean,
    fields: Readonly<Record<string, string>>,
    body: string,
  ): Promise<TryOutcome> {
    try {
      const { hostname } = new URL(url);
      if (!allowPrivate && isAddress(hostname) && !isPublicAddress(hostname)) {
        throw new PrivateAddressError();
      }
      const response = await request(url, {
        dispatcher: allowPrivate ? this.#any : this.#public,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'async-request-reply', ...fields },
        body,
        signal: AbortSignal.timeout(LIMIT_MS),
      });
      // Only the status counts. The body may arrive slowly until the limit: it is not waited for.
      response.body.dump({ limit: MAX_RESPONSE_BYTES }).catch(() => undefined);
      return outcomeOf(response.statusCode, response.headers['retry-after']);
    } catch (error) {
      const { code, name } = error as { code?: unknown; name?: unknown };
      return { kind: 'failed', why: typeof code === 'string' ? code : String(name) };
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#public.destroy(), this.#any.destroy()]);
  }
}

function openAgent(connect: object): StrictAgent {
  return new StrictAgent({
    connectTimeoutMs: CONNECT_LIMIT_MS,
    agent: {
      headersTimeout: LIMIT_MS,
      bodyTimeout: LIMIT_MS,
      // The address of a connection was checked when it was opened; an idle one is not kept for long.
      keepAliveTimeout: 1000,
    },
    connect,
  });
}

function outcomeOf(status: number, retryAfter: string | string[] | undefined): TryOutcome {
  if (status >= 200 && status < 300) {
    return { kind: 'delivered' };
  }
  if (status === GONE) {
    return { kind: 'unwanted' };
  }
  const value = Array.isArray(retryAfter) ? retryAfter[0] : retryAfter;
  const fields: HeaderField[] = value === undefined ? [] : [['retry-after', value]];
  return { kind: 'failed', why: `status ${String(status)}`, retryAfterMs: retryAfterMs(fields, Date.now()) };
}
