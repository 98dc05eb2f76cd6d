// Which requests are one job: those with the same Idempotency-Key (IETF draft, "The Idempotency-Key HTTP Header Field"), or
// with `from: content` the same requests. Here keys are read; accept/job-acceptor.ts applies them.
import { createHash, createHmac, type Hash } from 'node:crypto';
import { AsyncError } from '../../errors/async-error';
import { fieldValues } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { Claim } from '../../queue/idempotency-store';
import type { RequestLine } from '../gateway-request';
import type { OwnerTag } from '../owner';

export interface IdempotencySettings {
  readonly header: string;
  readonly from: 'header' | 'content';
  readonly required: boolean;
  readonly ttlMs: number;
}

/** What identifies the request: a key that the caller chose, or its own content. */
type IdempotencyKey =
  { readonly from: 'header'; readonly key: string } | { readonly from: 'content'; readonly caller: string };

/** A key and the address (request-address.ts) that it is valid for: another host is another API. */
export type AddressedKey = IdempotencyKey & { readonly address: string };

const MAX_CHARACTERS = 255;

/** A key that is the only credential has to be as hard to guess as a credential. */
const MIN_ANONYMOUS_CHARACTERS = 32;

const VISIBLE = /^[\x21-\x7e]+$/;

/** A structured field's string (RFC 8941, 3.3.3): printable ASCII, quote and backslash escaped by a backslash. */
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/** Fields that differ between two requests of one request and say nothing about the sender. Host is part of the address. */
const VOLATILE =
  /^(connection|content-length|date|expect|host|keep-alive|prefer|te|traceparent|tracestate|transfer-encoding|user-agent|via|x-(correlation|request)-id|x-forwarded-.*|x-real-ip)$/;

/**
 * The idempotency key of a request; undefined if it has none.
 *
 * @param owner '' if the caller is not known: then the key alone tells callers apart.
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
  const values = fieldValues(headers, settings.header);
  const [value] = values;
  if (value === undefined) {
    if (settings.required) {
      throw new AsyncError('idempotency-key-required', {
        detail: `Send a new ${settings.header} with each request, and the same one when you repeat a request.`,
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
      detail: `Without credentials ${settings.header} must have at least ${String(MIN_ANONYMOUS_CHARACTERS)} characters, so that it cannot be guessed.`,
    });
  }
  return { from: 'header', key };
}

/** The key without its quotes; undefined if it is malformed. */
function parseKey(value: string): string | undefined {
  const text = value.trim();
  const key = text.startsWith('"') ? QUOTED.exec(text)?.[1]?.replace(/\\(.)/g, '$1') : text;
  return key !== undefined && VISIBLE.test(key) && key.length <= MAX_CHARACTERS ? key : undefined;
}

interface ClaimOptions {
  readonly owner: OwnerTag;
  /** Of the request ({@link RequestDigest}). */
  readonly digest: string;
  readonly ttlMs: number;
}

/**
 * The claim of a key, as it is stored. Neither of its two hashes can be tested against guesses of the request alone: the digest of
 * the request is hashed with the key that the caller chose, or with `from: content` with the caller.
 */
export function claimOf(key: AddressedKey, { owner, digest, ttlMs }: ClaimOptions): Claim {
  const named =
    key.from === 'header'
      ? ['header', owner, key.address, key.key]
      : ['content', owner, key.address, key.caller, digest];
  const hash = createHash('sha256').update(JSON.stringify(named)).digest('hex').slice(0, 40);
  const request = key.from === 'header' ? createHmac('sha256', key.key).update(digest).digest('hex') : hash;
  return { key: hash, fingerprint: request, ttlMs };
}

/**
 * A caller that Kong does not know may be known to the upstream. Requests of two such callers are the same only if all their fields
 * are, except those that say nothing about the sender. Otherwise one caller would get the other's response.
 */
const clientFields = (headers: readonly HeaderField[]): string =>
  JSON.stringify(
    headers.filter(([name]) => !VOLATILE.test(name)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );

/**
 * SHA-256 over the method, the target as the client sent it, and the body, which may come in pieces. Two requests with one digest
 * are the same request.
 */
export class RequestDigest {
  readonly #hash: Hash;

  constructor({ method, uri }: Pick<RequestLine, 'method' | 'uri'>) {
    // Neither method nor target can contain a line break.
    this.#hash = createHash('sha256').update(`${method}\n${uri}\n`, 'latin1');
  }

  /** Adds the next piece of the body. */
  update(chunk: Buffer): this {
    this.#hash.update(chunk);
    return this;
  }

  /** The digest in hexadecimal. Nothing may be added after it. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
