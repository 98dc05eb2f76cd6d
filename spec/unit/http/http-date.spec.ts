import { parseHttpDate } from '../../../plugins/async-request-reply/http/http-date';

const NOW = Date.UTC(2026, 10, 27);
const AT = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('a date is read', () => {
  test.each([
    ['as IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT', AT],
    ['in the form of RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT', AT],
    ['in the form of asctime', 'Sun Nov  6 08:49:37 1994', AT],
    ['of asctime with a day of two digits', 'Wed Nov 16 08:49:37 1994', Date.UTC(1994, 10, 16, 8, 49, 37)],
    ['of RFC 850, up to fifty years ahead', 'Friday, 27-Nov-76 00:00:00 GMT', Date.UTC(2076, 10, 27)],
    ['of RFC 850, else of the past', 'Sunday, 27-Nov-77 00:00:00 GMT', Date.UTC(1977, 10, 27)],
    ['with a leap second', 'Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2016, 11, 31, 23, 59, 59)],
  ])('%s', (_form, value, date) => {
    expect(parseHttpDate(value, NOW)).toBe(date);
  });
});

test.each([
  '-1',
  '0.5',
  '1',
  '2026-11-27T00:00:00Z',
  '27 Nov 2026 00:00:00 GMT',
  'Sun, 6 Nov 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:49:37 +0000',
  'Sun, 06 Nov 1994 08:49:37',
  'sun, 06 nov 1994 08:49:37 gmt',
  'Sun, 31 Feb 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  'Sun, 06 Nov 1994 08:60:00 GMT',
  'Sun, 06 Nov 1994 08:49:61 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT x',
  '',
])('%p is no date', (value) => {
  expect(parseHttpDate(value, NOW)).toBeUndefined();
});
