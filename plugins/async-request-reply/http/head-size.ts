// The size of a response's header section on the wire. nginx accepts only one that fits its `proxy_buffer_size`.
import { STATUS_CODES } from 'node:http';
import type { HeaderField } from './reply';

const STATUS_LINE_BYTES = 'HTTP/1.1 200 \r\n'.length;
const FIELD_BYTES = ': \r\n'.length;
const END_BYTES = '\r\n'.length;

/** Bytes of status line, fields and empty line in HTTP/1.1, with the reason phrase that Node.js sends. */
export const headBytes = (status: number, headers: readonly HeaderField[]): number =>
  headers.reduce(
    (bytes, [name, value]) => bytes + name.length + value.length + FIELD_BYTES,
    STATUS_LINE_BYTES + (STATUS_CODES[status]?.length ?? 'unknown'.length) + END_BYTES,
  );
