import type { HttpResponse } from './http-client';

/** Status and code of a problem: the last part of its `type`. */
export const problemOf = (response: HttpResponse): [status: number, code: string] => [
  response.status,
  String(response.json()['type']).replace(/^.*:/, ''),
];
