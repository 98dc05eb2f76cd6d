import { calling, type FixtureRoute } from './kong-fixture';

/** A route whose plugin exits with these arguments. */
export const exit = (...args: unknown[]): FixtureRoute => calling([['response.exit', args]]);

/** A fact and an exit that Kong raises at. */
export const refused: [string, FixtureRoute][] = [
  ['a status under 100', exit(99, 'x')],
  ['a status over 599', exit(600, 'x')],
  ['a status that is text', exit('200', 'x')],
  ['a body that is a number', exit(200, 5)],
  ['a header that is a list with a number', exit(200, 'x', { 'x-a': ['a', 1] })],
  ['headers that are a list', exit(200, 'x', ['a'])],
  ['headers that are text', exit(200, 'x', 'a')],
];

/** A type, a status, and the type as the client sees it. */
export const types: [type: string, status: number, shown: string][] = [
  ['text/html', 200, 'text/html; charset=UTF-8'],
  ['TEXT/PLAIN', 404, 'TEXT/PLAIN; charset=UTF-8'],
  ['text/xml', 200, 'text/xml; charset=UTF-8'],
  ['text/vnd.wap.wml', 200, 'text/vnd.wap.wml; charset=UTF-8'],
  ['application/javascript', 200, 'application/javascript; charset=UTF-8'],
  ['application/rss+xml', 200, 'application/rss+xml; charset=UTF-8'],
  ['text/css', 200, 'text/css'],
  ['text/csv', 200, 'text/csv'],
  ['application/json', 200, 'application/json'],
  ['application/xml', 200, 'application/xml'],
  ['text/html; charset=latin1', 200, 'text/html; charset=latin1'],
  ['text/plain;', 200, 'text/plain;'],
  ['text/html', 301, 'text/html'],
  ['text/html', 302, 'text/html'],
  ['text/html', 303, 'text/html; charset=UTF-8'],
];

/** The words of nginx's status lines. */
export const REASONS: [status: number, reason: string][] = [
  [202, 'Accepted'],
  [205, ''],
  [302, 'Moved Temporarily'],
  [405, 'Not Allowed'],
  [413, 'Request Entity Too Large'],
  [422, ''],
  [503, 'Service Temporarily Unavailable'],
  [504, 'Gateway Time-out'],
  [599, ''],
];
