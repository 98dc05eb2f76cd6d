import fs from 'node:fs';

export type LogLevel = 'debug' | 'info' | 'notice' | 'warn' | 'error';

const LEVELS: LogLevel[] = ['debug', 'info', 'notice', 'warn', 'error'];

/** The emulator's error log, in the shape of nginx's; written at once, so that a test that reads it misses nothing. */
export class GatewayLog {
  readonly #fd: number;
  readonly #lowest: number;

  constructor(path: string, lowest: LogLevel = 'info') {
    this.#fd = fs.openSync(path, 'a');
    this.#lowest = LEVELS.indexOf(lowest);
  }

  debug = (message: string): void => this.write('debug', message);
  info = (message: string): void => this.write('info', message);
  notice = (message: string): void => this.write('notice', message);
  warn = (message: string): void => this.write('warn', message);
  error = (message: string): void => this.write('error', message);

  write(level: LogLevel, message: string): void {
    if (LEVELS.indexOf(level) < this.#lowest) return;
    const time = new Date().toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
    fs.writeSync(this.#fd, `${time} [${level}] ${process.pid}#0: ${message}\n`);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
