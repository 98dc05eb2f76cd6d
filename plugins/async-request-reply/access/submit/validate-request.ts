// Holds a request to the JSON Schemas of its route, before anything of it is stored.
import { AsyncError } from '../../errors/async-error';
import { queryEntries } from '../../http/query';
import type { HeaderField } from '../../http/reply';
import type { ValidationError } from '../../validation/request-schemas';
import type { RequestLine } from '../gateway-request';
import type { ValidationSettings } from '../route/validation-settings';

/** Methods whose requests have content as a rule: without any, an empty body is what the schema is asked about. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json$/;

/**
 * @param body undefined where the request has none. A lane that streams calls this with the whole of it.
 * @throws AsyncError `validation-failed` with `errors`, `unsupported-media-type` or `validation-timeout`.
 */
export async function validateRequest(
  line: RequestLine,
  headers: readonly HeaderField[],
  body: Buffer | readonly Buffer[] | undefined,
  settings: ValidationSettings | undefined,
): Promise<void> {
  if (settings === undefined) {
    return;
  }
  const pieces = body === undefined ? [] : Buffer.isBuffer(body) ? [body] : body;
  const hasContent = pieces.some((piece) => piece.length > 0);
  const checksBody = settings.checks.body && (hasContent || WITH_CONTENT.has(line.upstreamMethod));
  if (checksBody && hasContent) {
    refuseMediaType(headers);
  }
  const outcome = await settings.check({
    body: checksBody ? pieces : undefined,
    query: settings.checks.query ? queryEntries(line.query) : undefined,
    headers: settings.checks.headers ? headers : undefined,
  });
  switch (outcome.kind) {
    case 'valid':
      return;
    case 'invalid':
      throw failed(outcome.errors);
    case 'over':
      throw timedOut('The request took longer to check than this route allows. It was not accepted.');
    case 'busy':
      throw timedOut('Too many requests are being checked. Nothing was accepted; try again later.');
  }
}

const failed = (errors: readonly ValidationError[]): AsyncError =>
  new AsyncError('validation-failed', {
    detail: 'The request does not match the schema of this route; errors says where.',
    extension: { errors },
  });

const timedOut = (detail: string): AsyncError =>
  new AsyncError('validation-timeout', { detail, retryAfterSeconds: 1 });

/** Where a schema wants JSON: another type, another charset than UTF-8, or compressed (RFC 9110, 15.5.16). */
function refuseMediaType(headers: readonly HeaderField[]): void {
  const valuesOf = (name: string): string[] =>
    headers.filter(([field]) => field === name).map(([, value]) => value.trim().toLowerCase());
  if (valuesOf('content-encoding').some((coding) => coding !== '' && coding !== 'identity')) {
    throw new AsyncError('unsupported-media-type', {
      detail: 'This route checks the body as JSON and takes it without a content coding.',
      headers: [['Accept-Encoding', 'identity']],
    });
  }
  const types = valuesOf('content-type');
  const [type = '', ...parameters] = (types[0] ?? '').split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (types.length !== 1 || !JSON_TYPE.test(type) || !isUtf8) {
    throw new AsyncError('unsupported-media-type', {
      detail: 'This route takes JSON in UTF-8: application/json, or a type that ends in +json.',
      headers: [['Accept', 'application/json, application/*+json']],
    });
  }
}
