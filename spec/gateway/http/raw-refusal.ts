import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { STATUS_MESSAGES } from './error-answer';
import { REASONS } from './nginx-status';
import { SERVER_HEADER } from './send-answer';

/** Kong's answer to what is no request that Node would hand on: its error page, and the connection is over. */
export function refuseRaw(socket: Duplex, status: 400 | 405 | 494): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const shown = status === 494 ? 400 : status;
  const id = randomBytes(16).toString('hex');
  const body = `${STATUS_MESSAGES[status]}\nrequest_id: ${id}\n`;
  const lines = [
    `HTTP/1.1 ${shown} ${REASONS[shown]}`,
    `Date: ${new Date().toUTCString()}`,
    'Content-Type: text/plain; charset=utf-8',
    'Connection: close',
    `Content-Length: ${body.length}`,
    'X-Kong-Response-Latency: 0',
    `Server: ${SERVER_HEADER}`,
    `X-Kong-Request-Id: ${id}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
