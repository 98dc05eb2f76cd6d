// Checks a request against the JSON Schemas of its route, before anything of it is stored.
import { AsyncError } from '../../errors/async-error';
import { fieldValues } from '../../http/fields';
import { queryEntries } from '../../http/query';
import type { HeaderField } from '../../http/reply';
import type { ValidationError } from '../../validation/request-schemas';
import type { RequestLine } from '../gateway-request';
import type { ValidationSettings } from '../route/validation-settings';

/** Methods whose requests usually have content: without content, the schema checks an empty body. */
const WITH_CONTENT: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json$/;

/**
 * @param body undefined if the request has none.
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
    checkMediaType(headers);
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
      throw timedOut('Too many requests are being checked. The request was not accepted. Try again later.');
  }
}

const failed = (errors: readonly ValidationError[]): AsyncError =>
  new AsyncError('validation-failed', {
    detail: 'The request does not match the schema of this route. The member errors lists the violations.',
    extension: { errors },
  });

const timedOut = (detail: string): AsyncError =>
  new AsyncError('validation-timeout', { detail, retryAfterSeconds: 1 });

/** Rejects a body that is not declared as JSON in UTF-8, or is compressed (RFC 9110, 15.5.16). */
function checkMediaType(headers: readonly HeaderField[]): void {
  const valuesOf = (name: string): string[] =>
    fieldValues(headers, name).map((value) => value.trim().toLowerCase());
  if (valuesOf('content-encoding').some((coding) => coding !== '' && coding !== 'identity')) {
    throw new AsyncError('unsupported-media-type', {
      detail: 'This route checks the body as JSON and accepts it only without a content coding.',
      headers: [['Accept-Encoding', 'identity']],
    });
  }
  const types = valuesOf('content-type');
  const [type = '', ...parameters] = (types[0] ?? '').split(';').map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  const isUtf8 = charset === undefined || /^charset="?utf-8"?$/.test(charset);
  if (types.length !== 1 || !JSON_TYPE.test(type) || !isUtf8) {
    throw new AsyncError('unsupported-media-type', {
      detail: 'This route accepts JSON in UTF-8 only: application/json, or a type that ends in +json.',
      headers: [['Accept', 'application/json, application/*+json']],
    });
  }
}
