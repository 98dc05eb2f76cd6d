// What is kept of a response's status and header fields.
import type { Dispatcher } from 'undici';
import { storableResponseFields } from '../../http/hop-by-hop';
import { fieldValue } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';

/**
 * @param method of the request: a response to HEAD has no content.
 * @param raw the fields as they came.
 */
export function responseHead(
  method: string,
  status: number,
  raw: Dispatcher.DispatchController['rawHeaders'],
): ResponseHead {
  const fields = rawFields(raw);
  const head = { status, headers: storableResponseFields(fields) };
  // Of a 204 nobody may say a length (RFC 9110, 8.6).
  if (status === 204 || (status !== 304 && method !== 'HEAD')) {
    return head;
  }
  const length = fieldValue(fields, 'content-length');
  return { ...head, statedLength: length === undefined ? null : Number(length) };
}

/** Fields as they came, in their order, values as Latin-1; undici hands them over as alternating buffers. */
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
