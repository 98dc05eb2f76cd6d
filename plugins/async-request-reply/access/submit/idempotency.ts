// Which requests are one job: those with the same Idempotency-Key (IETF draft, "The Idempotency-Key HTTP Header Field"), or
// with `from: content` the same requests. Here keys are read; accept/accept-idempotent.ts holds to them.
import { createHash, createHmac } from 'node:crypto';
import { AsyncError } from '../../errors/async-error';
import type { HeaderField } from '../../http/reply';
import type { Claim } from '../../queue/idempotency-store';
import type { OwnerTag } from '../owner';

export interface IdempotencySettings {
  readonly header: string;
  readonly from: 'header' | 'content';
  readonly required: boolean;
  readonly ttlMs: number;
}

/** What stands for the request: a key that the caller chose, or the request itself. */
export type IdempotencyKey =
  { readonly from: 'header'; readonly key: string } | { readonly from: 'content'; readonly caller: string };

/** A key, and the address (request-address.ts) that it counts for: what is behind another host is another API's. */
export type AddressedKey = IdempotencyKey & { readonly address: string };

const MAX_CHARACTERS = 255;

/** A key that is the only credential has to be as hard to guess as one. */
const MIN_ANONYMOUS_CHARACTERS = 32;

const VISIBLE = /^[\x21-\x7e]+$/;

/** A structured field's string (RFC 8941, 3.3.3): printable ASCII, quote and backslash behind a backslash. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/** Fields that differ from one sending to the next and say nothing about who sends. Host is in the address. */
const VOLATILE =
  /^(connection|content-length|date|expect|host|keep-alive|prefer|te|traceparent|tracestate|transfer-encoding|user-agent|via|x-(correlation|request)-id|x-forwarded-.*|x-real-ip)$/;

/**
 * The key that a request comes under; undefined where it has none.
 *
 * @param owner '' where nobody is known: then the key alone tells callers apart.
 * @throws AsyncError `idempotency-key-required`, `idempotency-key-invalid` or `idempotency-key-too-short`.
 */
export function idempotencyKey(
  headers: readonly HeaderField[],
  owner: OwnerTag,
  settings: IdempotencySettings,
): IdempotencyKey | undefined {
  if (settings.from === 'content') {
    return { from: 'content', caller: owner === '' ? clientFields(headers) : owner };
  }
  const name = settings.header.toLowerCase();
  const values = headers.filter(([field]) => field === name).map(([, value]) => value);
  const [value] = values;
  if (value === undefined) {
    if (settings.required) {
      throw new AsyncError('idempotency-key-required', {
        detail: `Send a fresh ${settings.header} with each request, and the same one when you repeat it.`,
      });
    }
    return undefined;
  }
  const key = values.length === 1 ? parseKey(value) : undefined;
  if (key === undefined) {
    throw new AsyncError('idempotency-key-invalid', {
      detail: `${settings.header} must be sent once, with 1 to ${String(MAX_CHARACTERS)} visible ASCII characters, bare or in quotes.`,
    });
  }
  if (owner === '' && key.length < MIN_ANONYMOUS_CHARACTERS) {
    throw new AsyncError('idempotency-key-too-short', {
      detail: `Without credentials ${settings.header} must have at least ${String(MIN_ANONYMOUS_CHARACTERS)} characters, so that nobody guesses it.`,
    });
  }
  return { from: 'header', key };
}

/** The key without its quotes; undefined where it is malformed. */
function parseKey(value: string): string | undefined {
  const text = value.trim();
  const key = text.startsWith('"') ? QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1') : text;
  return key !== undefined && VISIBLE.test(key) && key.length <= MAX_CHARACTERS ? key : undefined;
}

/**
 * Neither of the two sums that are stored can be tried against guesses of the request alone: what the request is, is summed
 * with the key that the caller chose, and where the request itself is the key, with the caller.
 *
 * @param fingerprint of method, path, query and body (request-digest.ts).
 */
export function claimOf(
  key: AddressedKey,
  owner: OwnerTag,
  fingerprint: string,
  { ttlMs }: IdempotencySettings,
): Claim {
  const named =
    key.from === 'header'
      ? ['header', owner, key.address, key.key]
      : ['content', owner, key.address, key.caller, fingerprint];
  const hash = createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40);
  const request =
    key.from === 'header' ? createHmac('sha256', key.key).update(fingerprint).digest('hex') : hash;
  return { key: hash, fingerprint: request, ttlMs };
}

/**
 * Where Kong knows nobody, the upstream may: two strangers' requests are the same only where all their fields are, bar those
 * that say nothing of who sends. Otherwise one would be given the other's answer.
 */
const clientFields = (headers: readonly HeaderField[]): string =>
  JSON.stringify(
    headers.filter(([name]) => !VOLATILE.test(name)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
