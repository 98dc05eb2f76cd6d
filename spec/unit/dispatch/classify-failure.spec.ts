import { classifyFailure } from '../../../plugins/async-request-reply/dispatch/http/classify-failure';
import {
  IncompleteResponseError,
  MalformedResponseError,
} from '../../../plugins/async-request-reply/dispatch/http/strict-response';

const withCode = (code: string, more: object = {}): Error =>
  Object.assign(new Error(code), { code, ...more });

interface FailureCase {
  readonly failure: string;
  readonly error: Error;
  /** Whether the request was sent. Default: no. */
  readonly sent?: boolean;
  /** Whether the response had begun. Default: no. */
  readonly responding?: boolean;
  readonly code: string;
  /** The error type of Proxy-Status (RFC 9209, 2.3). */
  readonly proxyError: string;
  readonly retryable: boolean;
}

const cases: FailureCase[] = [
  {
    failure: 'a refused connection',
    error: withCode('ECONNREFUSED'),
    code: 'upstream-failed',
    proxyError: 'connection_refused',
    retryable: true,
  },
  {
    failure: 'a connection refused at each of several addresses',
    error: withCode('X', { errors: [withCode('ECONNREFUSED')] }),
    code: 'upstream-failed',
    proxyError: 'connection_refused',
    retryable: true,
  },
  {
    failure: 'a name that does not resolve',
    error: withCode('ENOTFOUND'),
    code: 'upstream-failed',
    proxyError: 'dns_error',
    retryable: true,
  },
  {
    failure: 'a connect timeout',
    error: withCode('UND_ERR_CONNECT_TIMEOUT'),
    code: 'upstream-timeout',
    proxyError: 'connection_timeout',
    retryable: true,
  },
  {
    failure: 'a reset before the response',
    error: withCode('UND_ERR_SOCKET', { cause: withCode('ECONNRESET') }),
    sent: true,
    code: 'upstream-failed',
    proxyError: 'connection_terminated',
    retryable: true,
  },
  {
    failure: 'a reset within the response body',
    error: new IncompleteResponseError(withCode('ECONNRESET')),
    sent: true,
    responding: true,
    code: 'upstream-failed',
    proxyError: 'http_response_incomplete',
    retryable: true,
  },
  {
    failure: 'a malformed response',
    error: new MalformedResponseError('garbage'),
    sent: true,
    code: 'bad-response',
    proxyError: 'http_protocol_error',
    retryable: false,
  },
  {
    failure: 'an untrusted certificate',
    error: withCode('DEPTH_ZERO_SELF_SIGNED_CERT'),
    code: 'upstream-failed',
    proxyError: 'tls_certificate_error',
    retryable: true,
  },
  {
    failure: 'a failed TLS handshake',
    error: withCode('EPROTO'),
    code: 'upstream-failed',
    proxyError: 'tls_protocol_error',
    retryable: true,
  },
  {
    failure: 'a request that cannot be sent',
    error: withCode('UND_ERR_INVALID_ARG'),
    code: 'internal-error',
    proxyError: 'proxy_internal_error',
    retryable: false,
  },
  {
    failure: 'an unknown error',
    error: new Error('?'),
    code: 'upstream-failed',
    proxyError: 'destination_unavailable',
    retryable: true,
  },
];

test.each(cases)(
  '$failure is classified as $code ($proxyError), retryable: $retryable',
  ({ error, sent = false, responding = false, code, proxyError, retryable }) => {
    expect(classifyFailure(error, sent, responding)).toMatchObject({
      kind: 'failure',
      code,
      proxyError,
      retryable,
      mayHaveArrived: sent,
    });
  },
);

test('the outcome of a failed call does not contain the name or address of the upstream', () => {
  const error = withCode('ENOTFOUND', {
    hostname: 'secret.internal',
    message: 'getaddrinfo ENOTFOUND secret.internal',
  });
  expect(JSON.stringify(classifyFailure(error, false, false))).not.toContain('secret');
});
