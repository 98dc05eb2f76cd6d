// Parses the arguments of the command line.
import { JOB_STATES, type JobState } from '../../plugins/async-request-reply/jobs/job-record';
import { usageError } from './report';

/** `dead` is not a state of a job: it selects the dead letters among the settled jobs. */
export type StateFilter = JobState | 'dead';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `24h`, `7d` in milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined) {
    throw usageError(
      `"${text}" is not a duration. Write a number and a unit (s, m, h or d), for example 24h.`,
    );
  }
  return Number(count) * unitMs;
}

/** States separated by commas. */
export function parseStates(text: string): StateFilter[] {
  const known: readonly string[] = [...JOB_STATES, 'dead'];
  return text.split(',').map((state) => {
    if (!known.includes(state)) {
      throw usageError(`"${state}" is not a state. Use one of ${known.join(', ')}.`);
    }
    return state as StateFilter;
  });
}

export function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1) {
    throw usageError(`"${text}" is not a count. Write an integer of at least 1.`);
  }
  return count;
}

/** The owner of jobs without an owner, as the command line writes it. */
const ANONYMOUS = 'nobody';

/** Converts an owner to its form in the record. */
export function parseOwner(text: string): string {
  if (text === ANONYMOUS) {
    return '';
  }
  if (!/^(consumer|credential|header):./.test(text)) {
    throw usageError(
      `"${text}" is not an owner. Write consumer:ID, credential:ID, header:NAME:SHA256 or ${ANONYMOUS}.`,
    );
  }
  return text;
}

/** Without `fullIds` the hash of a header is shortened, since guesses could be compared with it. */
export function ownerText(owner: string, fullIds: boolean): string {
  if (owner === '') {
    return ANONYMOUS;
  }
  return fullIds ? owner : owner.replace(/^(header:[^:]*:.{8}).*$/, '$1');
}
