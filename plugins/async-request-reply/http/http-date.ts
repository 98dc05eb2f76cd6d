// Dates in header fields (RFC 9110, 5.6.7).

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';
const MONTH = `(${MONTHS.join('|')})`;

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const IMF_FIXDATE = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC_850 = new RegExp(
  `^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`,
);
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} ( \\d|\\d\\d) ${TIME} (\\d{4})$`);

const LEAP_SECOND = 60;

/** A year of two digits is at most this many years in the future. */
const FUTURE_YEARS = 50;

/**
 * Milliseconds since 1970, from a date in one of the three forms that a recipient has to accept.
 *
 * @param nowMs the reference for a year of two digits.
 * @returns undefined for any other text. `Date.parse` would accept `-1` and `0.5`.
 */
export function parseHttpDate(value: string, nowMs: number): number | undefined {
  const parts = imfFixdate(value) ?? rfc850(value, nowMs) ?? asctime(value);
  if (parts === undefined) {
    return undefined;
  }
  const [year, month, day, hour, minute, second] = parts;
  if (hour > 23 || minute > 59 || second > LEAP_SECOND) {
    return undefined;
  }
  const date = new Date(Date.UTC(year, month, day, hour, minute, Math.min(second, LEAP_SECOND - 1)));
  // There is no 31st of February.
  return date.getUTCDate() === day ? date.getTime() : undefined;
}

type Parts = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

const monthOf = (name: string | undefined): number => MONTHS.indexOf(name ?? '');

function imfFixdate(value: string): Parts | undefined {
  const found = IMF_FIXDATE.exec(value);
  if (found === null) {
    return undefined;
  }
  const [, day, month, year, hour, minute, second] = found;
  return [Number(year), monthOf(month), Number(day), Number(hour), Number(minute), Number(second)];
}

function rfc850(value: string, nowMs: number): Parts | undefined {
  const found = RFC_850.exec(value);
  if (found === null) {
    return undefined;
  }
  const [, day, month, shortYear, hour, minute, second] = found;
  const latest = new Date(nowMs).getUTCFullYear() + FUTURE_YEARS;
  const year = latest - ((((latest - Number(shortYear)) % 100) + 100) % 100);
  return [year, monthOf(month), Number(day), Number(hour), Number(minute), Number(second)];
}

function asctime(value: string): Parts | undefined {
  const found = ASCTIME.exec(value);
  if (found === null) {
    return undefined;
  }
  const [, month, day, hour, minute, second, year] = found;
  return [Number(year), monthOf(month), Number(day), Number(hour), Number(minute), Number(second)];
}
