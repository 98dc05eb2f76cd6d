// HTTP/1.1 messages read as they are, byte for byte, with no opinion on what is in them (RFC 9112, 6.3).
import type { ByteReader } from './byte-reader';
import { valueOf, valuesOf, type Field } from './fields';

export interface HttpMessage {
  /** The first line, without its line end. */
  startLine: string;
  fields: Field[];
  body: Buffer;
}

type Framing = { kind: 'none' } | { kind: 'length'; size: number } | { kind: 'chunked' } | { kind: 'rest' };

const HEAD_END = '\r\n\r\n';
const LINE_END = '\r\n';

/** @returns null when the connection ends before another request begins */
export async function readRequest(reader: ByteReader): Promise<HttpMessage | null> {
  const head = await readHead(reader);
  if (head === null) return null;
  return { ...head, body: await readBody(reader, declaredFraming(head.fields) ?? { kind: 'none' }) };
}

/** The final response; interim ones (1xx) are left out. @throws UnexpectedEnd when it is not whole */
export async function readResponse(reader: ByteReader, method: string): Promise<HttpMessage> {
  for (;;) {
    const head = await readHead(reader);
    if (head === null) throw new Error('the connection was closed without a response');
    const status = statusOf(head.startLine);
    if (status >= 100 && status < 200) continue;
    const hasNoContent = method === 'HEAD' || status === 204 || status === 304;
    const framing: Framing = hasNoContent
      ? { kind: 'none' }
      : (declaredFraming(head.fields) ?? { kind: 'rest' });
    return { ...head, body: await readBody(reader, framing) };
  }
}

export function statusOf(statusLine: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
}

/** The bytes of a message's head. */
export function headBytes(startLine: string, fields: readonly Field[]): Buffer {
  const lines = [startLine, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.from(lines.join(LINE_END) + HEAD_END, 'latin1');
}

/** A body in the chunked coding, one chunk per piece. */
export function chunkedBytes(pieces: readonly Buffer[]): Buffer {
  const chunks = pieces.map((piece) =>
    Buffer.concat([Buffer.from(piece.length.toString(16) + LINE_END), piece, Buffer.from(LINE_END)]),
  );
  return Buffer.concat([...chunks, Buffer.from(`0${HEAD_END}`)]);
}

async function readHead(reader: ByteReader): Promise<Pick<HttpMessage, 'startLine' | 'fields'> | null> {
  const bytes = await reader.takeThrough(HEAD_END);
  if (bytes === null) return null;
  const [startLine = '', ...lines] = bytes.toString('latin1').slice(0, -HEAD_END.length).split(LINE_END);
  return { startLine, fields: lines.map(toField) };
}

function toField(line: string): Field {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
}

function declaredFraming(fields: readonly Field[]): Framing | null {
  if (valuesOf(fields, 'transfer-encoding').some((value) => /chunked$/i.test(value))) {
    return { kind: 'chunked' };
  }
  const length = valueOf(fields, 'content-length');
  return length === undefined ? null : { kind: 'length', size: Number(length) };
}

async function readBody(reader: ByteReader, framing: Framing): Promise<Buffer> {
  switch (framing.kind) {
    case 'none':
      return Buffer.alloc(0);
    case 'length':
      return await reader.take(framing.size);
    case 'chunked':
      return await readChunks(reader);
    case 'rest':
      return await reader.takeRest();
  }
}

async function readChunks(reader: ByteReader): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (;;) {
    const line = (await reader.takeThrough(LINE_END))?.toString('latin1') ?? '';
    const size = Number.parseInt(line, 16);
    if (Number.isNaN(size)) throw new Error(`not a chunk's size: ${JSON.stringify(line)}`);
    if (size === 0) break;
    pieces.push(await reader.take(size));
    await reader.take(LINE_END.length);
  }
  // Trailer fields, up to an empty line.
  while ((await reader.takeThrough(LINE_END))?.toString('latin1') !== LINE_END);
  return Buffer.concat(pieces);
}
