import { classifyFailure } from '../../../plugins/async-request-reply/dispatch/http/classify-failure';
import {
  IncompleteResponseError,
  MalformedResponseError,
} from '../../../plugins/async-request-reply/dispatch/http/strict-response';

const withCode = (code: string, more: object = {}): Error =>
  Object.assign(new Error(code), { code, ...more });

describe('a failed call', () => {
  it.each([
    ['refused', withCode('ECONNREFUSED'), false, false, 'upstream-failed', 'connection_refused', true],
    [
      'refused at each of several addresses',
      withCode('X', { errors: [withCode('ECONNREFUSED')] }),
      false,
      false,
      'upstream-failed',
      'connection_refused',
      true,
    ],
    [
      'to a name that nobody knows',
      withCode('ENOTFOUND'),
      false,
      false,
      'upstream-failed',
      'dns_error',
      true,
    ],
    [
      'that could not connect in time',
      withCode('UND_ERR_CONNECT_TIMEOUT'),
      false,
      false,
      'upstream-timeout',
      'connection_timeout',
      true,
    ],
    [
      'reset before an answer',
      withCode('UND_ERR_SOCKET', { cause: withCode('ECONNRESET') }),
      true,
      false,
      'upstream-failed',
      'connection_terminated',
      true,
    ],
    [
      'reset in mid-body',
      new IncompleteResponseError(withCode('ECONNRESET')),
      true,
      true,
      'upstream-failed',
      'http_response_incomplete',
      true,
    ],
    [
      'answered with garbage',
      new MalformedResponseError('garbage'),
      true,
      false,
      'bad-response',
      'http_protocol_error',
      false,
    ],
    [
      'with a certificate that is not trusted',
      withCode('DEPTH_ZERO_SELF_SIGNED_CERT'),
      false,
      false,
      'upstream-failed',
      'tls_certificate_error',
      true,
    ],
    [
      'without a TLS handshake',
      withCode('EPROTO'),
      false,
      false,
      'upstream-failed',
      'tls_protocol_error',
      true,
    ],
    [
      'that could not be sent',
      withCode('UND_ERR_INVALID_ARG'),
      false,
      false,
      'internal-error',
      'proxy_internal_error',
      false,
    ],
    [
      'for no reason that is known',
      new Error('?'),
      false,
      false,
      'upstream-failed',
      'destination_unavailable',
      true,
    ],
  ])('%s', (_case, error, sent, responding, code, proxyError, retryable) => {
    expect(classifyFailure(error, sent, responding)).toMatchObject({
      kind: 'failure',
      code,
      proxyError,
      retryable,
      mayHaveArrived: sent,
    });
  });

  it('never tells the name or address of the upstream', () => {
    const error = withCode('ENOTFOUND', {
      hostname: 'secret.internal',
      message: 'getaddrinfo ENOTFOUND secret.internal',
    });
    expect(JSON.stringify(classifyFailure(error, false, false))).not.toContain('secret');
  });
});
