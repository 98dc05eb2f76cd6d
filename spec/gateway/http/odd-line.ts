import { METHODS, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';

/** Carries a request line past Node's parser, which takes less than nginx does. */
const LINE_HEADER = 'X-Kong-Emulator-Line';

const KNOWN: ReadonlySet<string> = new Set(METHODS);

/** nginx knows any method of capitals, dashes and underscores, and bytes over 127 in the target. */
const LINE = /^([A-Z_-]+) ([\x21-\x7e\x80-\xff]+) (HTTP\/1\.[01])\r?\n/;

/** Hands the server each connection when its first bytes are there, with a request line that it can parse. */
export function takeOddLines(server: Server): void {
  const [serve] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const waiting = new Set<Socket>();
  const closeAll = server.closeAllConnections.bind(server);
  server.closeAllConnections = () => {
    for (const socket of waiting) socket.destroy();
    closeAll();
  };
  server.on('connection', (socket: Socket) => {
    const onError = (): void => void socket.destroy();
    waiting.add(socket);
    socket.once('error', onError);
    socket.once('close', () => waiting.delete(socket));
    socket.once('data', (bytes) => {
      waiting.delete(socket);
      socket.off('error', onError);
      socket.pause();
      socket.unshift(parsable(bytes));
      serve?.call(server, socket);
      process.nextTick(() => socket.resume());
    });
  });
}

/** Method and target as they came. */
export function requestLineOf({ method = 'GET', url = '/', rawHeaders }: IncomingMessage): {
  method: string;
  url: string;
} {
  const at = rawHeaders.indexOf(LINE_HEADER);
  if (at < 0) return { method, url };
  const [, line] = rawHeaders.splice(at, 2);
  const [oddMethod = '', oddUrl = ''] = Buffer.from(line ?? '', 'base64')
    .toString('latin1')
    .split(' ');
  return { method: oddMethod, url: oddUrl };
}

function parsable(bytes: Buffer): Buffer {
  const [line = '', method = '', target = '', version = ''] = LINE.exec(bytes.toString('latin1')) ?? [];
  if (line === '' || (KNOWN.has(method) && /^[\x21-\x7e]+$/.test(target))) return bytes;
  const head = `POST / ${version}\r\n${LINE_HEADER}: ${Buffer.from(`${method} ${target}`, 'latin1').toString('base64')}\r\n`;
  return Buffer.concat([Buffer.from(head), bytes.subarray(line.length)]);
}
