// Kong logs what a plugin server prints at the level info, which is below its default: of one that cannot start an operator would see
// that it ends each second, and not why. So its last words go to the log of the nginx that started it as well, as an error of its own.
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';

const MAX_CHARACTERS = 2000;

/** Never waits: the log may be a pipe that is full. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;

// eslint-disable-next-line no-control-regex -- control characters are the point
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g;

/**
 * `not-kongs`: nginx has not started this process. `unheard`: this user cannot write the log of nginx, for example because Kong's
 * master created it as root and its workers run as another user.
 */
type Hearing = 'told' | 'unheard' | 'not-kongs';

/** Appends one line to the error log of the nginx that is this process's parent, which its standard error is. Never throws. */
export function reportToKong(sentence: string): Hearing {
  try {
    const name = readFileSync(`/proc/${String(process.ppid)}/comm`, 'utf8');
    if (!name.startsWith('nginx')) {
      return 'not-kongs';
    }
  } catch {
    return 'not-kongs';
  }
  try {
    const log = openSync(`/proc/${String(process.ppid)}/fd/2`, APPEND);
    try {
      writeSync(log, logLine(sentence));
    } finally {
      closeSync(log);
    }
    return 'told';
  } catch {
    return 'unheard';
  }
}

/** As nginx writes it, by this machine's clock. */
function logLine(sentence: string): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  const time = `${local.slice(0, 10).replaceAll('-', '/')} ${local.slice(11, 19)}`;
  const text = sentence.replace(CONTROLS, ' ').slice(0, MAX_CHARACTERS);
  return `${time} [error] ${String(process.pid)}#0: [async-request-reply] the plugin server ended: ${text}\n`;
}
