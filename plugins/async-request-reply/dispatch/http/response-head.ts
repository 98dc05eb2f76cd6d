// Reads the status and the header fields of a response that are stored.
import type { Dispatcher } from 'undici';
import { storableResponseFields } from '../../http/hop-by-hop';
import { fieldValue } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';

/**
 * @param method of the request: a response to HEAD has no content.
 * @param raw the fields as they were received.
 */
export function responseHead(
  method: string,
  status: number,
  raw: Dispatcher.DispatchController['rawHeaders'],
): ResponseHead {
  const fields = rawFields(raw);
  const head = { status, headers: storableResponseFields(fields) };
  // A 204 must not have a length (RFC 9110, 8.6).
  if (status === 204 || (status !== 304 && method !== 'HEAD')) {
    return head;
  }
  const length = fieldValue(fields, 'content-length');
  return { ...head, statedLength: length === undefined ? null : Number(length) };
}

/** The fields as received, in their order, values as Latin-1; undici provides names and values as alternating buffers. */
function rawFields(raw: Dispatcher.DispatchController['rawHeaders']): HeaderField[] {
  if (!Array.isArray(raw)) {
    return [];
  }
  const fields: HeaderField[] = [];
  const text = (item: Buffer | string | undefined): string =>
    typeof item === 'string' ? item : (item?.toString('latin1') ?? '');
  for (let i = 0; i + 1 < raw.length; i += 2) {
    fields.push([text(raw[i]), text(raw[i + 1])]);
  }
  return fields;
}
