// Which header fields belong to one connection, or to the gateway, and so are neither forwarded nor replayed.
import { fieldValues } from './fields';
import type { HeaderField } from './reply';

/** RFC 9110, 7.6.1, and fields that older software treats the same. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Fields of a response that concern a proxy, a CDN or nginx on the way, not the client of a stored copy. */
const NOT_REPLAYED: ReadonlySet<string> = new Set([
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'alt-svc',
  'surrogate-control',
  'content-length',
]);

/** A client cannot remove these by naming them in `Connection`: they carry identity, content or routing. */
const NOT_NOMINABLE =
  /^(host|via|x-real-ip|x-forwarded-.*|x-consumer-.*|x-credential-.*|x-anonymous-consumer|x-kong-.*|authorization|content-.*|traceparent|tracestate|idempotency-key|prefer)$/;

const tokensOf = (value: string): string[] =>
  value
    .split(',')
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');

/** The lower-case field names that the `Connection` fields among `headers` nominate (RFC 9110, 7.6.1). */
function nominatedFields(headers: readonly HeaderField[]): ReadonlySet<string> {
  return new Set(fieldValues(headers, 'connection').flatMap(tokensOf));
}

/**
 * The request fields that are forwarded: without hop-by-hop fields, `Proxy` and `Expect`, and without those that `Connection` names.
 * `Connection` cannot remove the fields in `protectedNames` and those listed above.
 */
export function endToEndRequestFields(
  headers: readonly HeaderField[],
  protectedNames: ReadonlySet<string>,
): HeaderField[] {
  const nominated = nominatedFields(headers);
  return headers.filter(([rawName]) => {
    const name = rawName.toLowerCase();
    if (CONNECTION_FIELDS.has(name) || name === 'proxy' || name === 'expect') {
      return false;
    }
    return !nominated.has(name) || protectedNames.has(name) || NOT_NOMINABLE.test(name);
  });
}

/** The response fields that are stored and replayed. `Content-Length` is omitted: the stored content has its own length. */
export function storableResponseFields(headers: readonly HeaderField[]): HeaderField[] {
  const nominated = nominatedFields(headers);
  return headers.filter(([rawName]) => {
    const name = rawName.toLowerCase();
    return !(
      CONNECTION_FIELDS.has(name) ||
      NOT_REPLAYED.has(name) ||
      nominated.has(name) ||
      name.startsWith('x-accel-') ||
      // Targeted cache fields (RFC 9213): CDN-Cache-Control, and those of individual vendors.
      name.endsWith('-cache-control')
    );
  });
}
