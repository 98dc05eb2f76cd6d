// Classifies the errors of undici and Node.js: what the client is told, and whether another attempt may succeed.
import { PAYLOAD_LOST, type CallFailure, type FailureKind } from '../call-outcome';

const failed = (proxyError: string, detail: string): FailureKind => ({
  code: 'upstream-failed',
  detail,
  proxyError,
  retryable: true,
});

const BAD_RESPONSE: FailureKind = {
  code: 'bad-response',
  detail: 'The upstream sent something that is not HTTP.',
  proxyError: 'http_protocol_error',
  retryable: false,
};

const INTERRUPTED = failed(
  'http_response_incomplete',
  'The upstream closed the connection in the middle of its response.',
);
const KINDS: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: failed('connection_refused', 'The upstream refused the connection.'),
  ENOTFOUND: failed('dns_error', 'The name of the upstream does not resolve.'),
  EAI_AGAIN: failed('dns_timeout', 'The name of the upstream could not be resolved.'),
  EHOSTUNREACH: failed('destination_ip_unroutable', 'The upstream cannot be reached.'),
  ENETUNREACH: failed('destination_ip_unroutable', 'The upstream cannot be reached.'),
  // dispatch/http/strict-response.ts
  ARR_RESPONSE_INCOMPLETE: INTERRUPTED,
  ARR_RESPONSE_MALFORMED: BAD_RESPONSE,
  ARR_PAYLOAD_LOST: PAYLOAD_LOST,
  ARR_PAYLOAD_ALTERED: {
    ...failed('proxy_internal_error', 'The stored request cannot be decrypted: it is not what was stored.'),
    code: 'request-unreadable',
    retryable: false,
  },
  UND_ERR_HEADERS_OVERFLOW: {
    code: 'response-too-large',
    detail: "The header section of the upstream's response is over the limit of this route.",
    proxyError: 'http_response_header_section_size',
    retryable: false,
  },
  UND_ERR_CONNECT_TIMEOUT: {
    ...failed('connection_timeout', 'The upstream did not accept the connection in time.'),
    code: 'upstream-timeout',
  },
};

const TERMINATED = failed(
  'connection_terminated',
  'The upstream closed the connection before it had answered.',
);
const TLS_FAILED = failed('tls_protocol_error', 'The TLS connection to the upstream could not be made.');
const CERTIFICATE = failed('tls_certificate_error', 'The certificate of the upstream could not be verified.');
const UNSENDABLE: FailureKind = {
  code: 'internal-error',
  detail: 'The request could not be sent.',
  proxyError: 'proxy_internal_error',
  retryable: false,
};

/**
 * @param sent whether the request had been written to a connected socket.
 * @param responding whether the response's header section had arrived.
 */
export function classifyFailure(error: unknown, sent: boolean, responding: boolean): CallFailure {
  const kind = kindOf(codesOf(error), sent, responding);
  return { kind: 'failure', ...kind, mayHaveArrived: sent };
}

function kindOf(codes: readonly string[], sent: boolean, responding: boolean): FailureKind {
  for (const code of codes) {
    const known = KINDS[code];
    if (known !== undefined) {
      return known;
    }
    if (
      code.startsWith('CERT_') ||
      code.includes('_CERT') ||
      code.startsWith('UNABLE_TO_') ||
      code === 'ERR_TLS_CERT_ALTNAME_INVALID'
    ) {
      return CERTIFICATE;
    }
    if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') {
      return TLS_FAILED;
    }
    if (
      code === 'UND_ERR_INVALID_ARG' ||
      code === 'UND_ERR_NOT_SUPPORTED' ||
      code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'
    ) {
      return UNSENDABLE;
    }
  }
  if (responding) {
    return INTERRUPTED;
  }
  return sent
    ? TERMINATED
    : failed('destination_unavailable', 'No connection to the upstream could be made.');
}

/** Returns the codes of an error, of its aggregated errors (one for each address that was tried) and of its causes. */
function codesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) {
    return [];
  }
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
  return [
    ...(typeof code === 'string' ? [code] : []),
    ...(Array.isArray(errors) ? errors.flatMap(codesOf) : []),
    ...codesOf(cause),
  ];
}
