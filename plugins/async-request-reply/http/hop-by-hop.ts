// Which header fields belong to one connection, or to the gateway, and so are neither forwarded nor replayed.
import type { HeaderField } from './reply';

/** RFC 9110, 7.6.1 and the fields that older software treats alike. */
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

/** A client may not have these dropped by naming them in `Connection`: they carry identity, content or routing. */
const NOT_NOMINABLE =
  /^(host|via|x-real-ip|x-forwarded-.*|x-consumer-.*|x-credential-.*|x-anonymous-consumer|x-kong-.*|authorization|content-.*|traceparent|tracestate|idempotency-key|prefer)$/;

const tokensOf = (value: string): string[] =>
  value
    .split(',')
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');

/** The lower-case field names that the `Connection` fields among `headers` nominate (RFC 9110, 7.6.1). */
function nominatedFields(headers: readonly HeaderField[]): ReadonlySet<string> {
  const values = headers.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => value);
  return new Set(values.flatMap(tokensOf));
}

/**
 * The request fields that go to the upstream: hop-by-hop, `Proxy` and `Expect` gone,
 * and what `Connection` names, unless it names a field that it may not take away (`protectedNames` and above).
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

/** The response fields that are stored and replayed. `Content-Length` is left out: the length is the content's. */
export function storableResponseFields(headers: readonly HeaderField[]): HeaderField[] {
  const nominated = nominatedFields(headers);
  return headers.filter(([rawName]) => {
    const name = rawName.toLowerCase();
    return !(
      CONNECTION_FIELDS.has(name) ||
      NOT_REPLAYED.has(name) ||
      nominated.has(name) ||
      name.startsWith('x-accel-') ||
      // Targeted cache fields (RFC 9213): CDN-Cache-Control and those of single vendors.
      name.endsWith('-cache-control')
    );
  });
}
