// What people type, as values.
import { JOB_STATES, type JobState } from '../../plugins/async-request-reply/jobs/job-record';
import { usageError } from './report';

/** `dead` is no state of a job: it stands for the dead letters among those that have settled. */
export type StateFilter = JobState | 'dead';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `15m`, `24h`, `7d` in milliseconds. */
export function parseDuration(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined) {
    throw usageError(`"${text}" is no duration: write a number and s, m, h or d, as in 24h.`);
  }
  return Number(count) * unitMs;
}

/** States separated by commas. */
export function parseStates(text: string): StateFilter[] {
  const known: readonly string[] = [...JOB_STATES, 'dead'];
  return text.split(',').map((state) => {
    if (!known.includes(state)) {
      throw usageError(`"${state}" is no state: use ${known.join(', ')}.`);
    }
    return state as StateFilter;
  });
}

export function parseCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (count < 1) {
    throw usageError(`"${text}" is no count: write a whole number from 1.`);
  }
  return count;
}

/** What stands for "nobody": jobs without an owner. */
const ANONYMOUS = 'nobody';

/** The owner as the record has it. */
export function parseOwner(text: string): string {
  if (text === ANONYMOUS) {
    return '';
  }
  if (!/^(consumer|credential|header):./.test(text)) {
    throw usageError(
      `"${text}" is no owner: write consumer:ID, credential:ID, header:NAME:SHA256, or ${ANONYMOUS}.`,
    );
  }
  return text;
}

/** The sum of a header can be tried against guesses: without `fullIds` its beginning is shown. */
export function ownerText(owner: string, fullIds: boolean): string {
  if (owner === '') {
    return ANONYMOUS;
  }
  return fullIds ? owner : owner.replace(/^(header:[^:]*:.{8}).*$/, '$1');
}
