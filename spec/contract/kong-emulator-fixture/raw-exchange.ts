import net from 'node:net';

/** A response as it came over the wire: bytes as Latin-1 characters, fields in their order and apart. */
export interface RawResponse {
  status: number;
  reason: string;
  headers: [name: string, value: string][];
  body: string;
  /** The value of a field; several are joined, none is undefined. */
  header(name: string): string | undefined;
}

export interface RawRequest {
  method?: string;
  target: string;
  version?: string;
  /** Host and Connection are added where they are not given. */
  headers?: [name: string, value: string][];
  body?: string;
  /** Sends no Connection field at all, and so has to see by itself where the response ends. */
  isKeptAlive?: boolean;
}

/** Sends one request on a connection of its own and reads the response. @throws when nothing comes back */
export async function sendRequest(port: number, request: RawRequest): Promise<RawResponse> {
  const given = request.headers ?? [];
  const has = (name: string): boolean => given.some(([field]) => field.toLowerCase() === name);
  const headers: [string, string][] = [
    ...(has('host') ? [] : [['Host', `127.0.0.1:${port}`] as [string, string]]),
    ...given,
    ...(has('connection') || request.isKeptAlive ? [] : [['Connection', 'close'] as [string, string]]),
  ];
  const isLengthNeeded = request.body !== undefined && !has('transfer-encoding') && !has('content-length');
  if (isLengthNeeded) headers.push(['Content-Length', String(request.body?.length)]);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const line = `${request.method ?? 'GET'} ${request.target} HTTP/${request.version ?? '1.1'}`;
  const isEnd = request.isKeptAlive ? isComplete : (): boolean => false;
  const text = await sendBytes(port, `${line}\r\n${lines}\r\n${request.body ?? ''}`, isEnd);
  return parseResponse(text);
}

/** Sends bytes (Latin-1) and returns what comes until the connection ends, or until the text is said to be whole. */
export function sendBytes(
  port: number,
  bytes: string,
  isEnd: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isEnd(text)) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

/** Sends some bytes, waits for a text, sends more and waits for another; returns all that came. */
export function converse(port: number, turns: [say: string, hear: string][]): Promise<string> {
  return new Promise((resolve, reject) => {
    const left = [...turns];
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(left[0]?.[0] ?? '', 'latin1'));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!text.includes(left[0]?.[1] ?? '')) return;
      left.shift();
      if (left[0]) socket.write(left[0][0], 'latin1');
      else socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

/** True of a response with as much body as its length says; one without a length has none. */
function isComplete(text: string): boolean {
  if (!text.includes('\r\n\r\n')) return false;
  const { status, body, header } = parseResponse(text);
  return status === 204 || body.length >= Number(header('content-length') ?? 0);
}

/** @throws when the text is no response */
export function parseResponse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(line);
  if (!match) throw new Error(`no response: ${JSON.stringify(text.slice(0, 200))}`);
  if (match[1] === '100') return parseResponse(text.slice(end + 4));
  const headers = lines.map((field): [string, string] => {
    const colon = field.indexOf(':');
    return [field.slice(0, colon), field.slice(colon + 1).replace(/^ /, '')];
  });
  const header = (name: string): string | undefined => {
    const found = headers.filter(([field]) => field.toLowerCase() === name.toLowerCase());
    return found.length === 0 ? undefined : found.map(([, value]) => value).join(', ');
  };
  const rest = text.slice(end + 4);
  const body = header('transfer-encoding') === 'chunked' ? unchunk(rest) : rest;
  return { status: Number(match[1]), reason: match[2] ?? '', headers, body, header };
}

function unchunk(text: string): string {
  let body = '';
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const size = parseInt(text.slice(at, end), 16);
    if (!(size > 0)) return body;
    body += text.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}
