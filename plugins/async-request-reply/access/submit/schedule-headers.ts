// Priority and start time, if the route lets the caller set them by header fields.
import { AsyncError } from '../../errors/async-error';
import { fieldValues } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import { DEFAULT_PRIORITY } from '../../queue/scheduler';
import type { RouteSettings } from '../route/route-settings';

/** The schedule that a caller requested. */
export interface RequestedSchedule {
  readonly priority: number;
  readonly delayMs: number;
}

const MAX_PRIORITY = 10;

/** RFC 3339 with a zone, as in 2026-11-22T12:00:00Z. */
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

const SECONDS = /^\d{1,9}$/;

/**
 * The requested schedule: a priority from 1 (most urgent) to 10, by default 5, and a start time before the deadline, as seconds from
 * now or as an RFC 3339 date and time. A start time in the past means now.
 *
 * @throws AsyncError `invalid-priority` or `invalid-start-time`.
 */
export function scheduleHeaders(
  headers: readonly HeaderField[],
  settings: Pick<RouteSettings, 'queue' | 'deadlineMs'>,
  nowMs: number,
): RequestedSchedule {
  const { priority_header: priorityHeader, delay_header: delayHeader } = settings.queue;
  return {
    priority: priorityOf(valueOf(headers, priorityHeader), priorityHeader),
    delayMs: delayOf(valueOf(headers, delayHeader), delayHeader, settings.deadlineMs, nowMs),
  };
}

function valueOf(headers: readonly HeaderField[], name: string | undefined): string | undefined {
  const values = name === undefined ? [] : fieldValues(headers, name).map((value) => value.trim());
  return values.length === 0 ? undefined : values.join(', ');
}

function priorityOf(value: string | undefined, header = ''): number {
  if (value === undefined) {
    return DEFAULT_PRIORITY;
  }
  const priority = /^\d{1,2}$/.test(value) ? Number(value) : 0;
  if (priority < 1 || priority > MAX_PRIORITY) {
    throw new AsyncError('invalid-priority', {
      detail: `${header} must be an integer from 1 (most urgent) to ${String(MAX_PRIORITY)}.`,
    });
  }
  return priority;
}

function delayOf(value: string | undefined, header = '', deadlineMs: number, nowMs: number): number {
  if (value === undefined) {
    return 0;
  }
  const at = SECONDS.test(value)
    ? nowMs + Number(value) * 1000
    : DATE_TIME.test(value)
      ? Date.parse(value)
      : NaN;
  if (Number.isNaN(at) || at - nowMs >= deadlineMs) {
    throw new AsyncError('invalid-start-time', {
      detail:
        `${header} must be a number of seconds or a date and time such as 2026-11-22T12:00:00Z, ` +
        `less than ${String(deadlineMs / 1000)} seconds from now.`,
    });
  }
  return Math.max(0, at - nowMs);
}
