// What of a message is compared between the lanes: everything but what no two messages have in common.
import { createHash } from 'node:crypto';
import type { HttpResponse } from '../http-client';
import type { Field } from '../http/fields';
import { LANE_HEADER, type Passage } from './lanes';

/** Values by lower-case name, those of one name in their order on the wire. */
type FieldMap = Readonly<Record<string, readonly string[]>>;

/**
 * How the fields with the plugin differ from those without, by lower-case name: what they are then (matchers are
 * allowed), null for none, or undefined for no difference where there is one as a rule.
 */
export type Changes = Readonly<Record<string, readonly unknown[] | null | undefined>>;

interface RequestView {
  method: string;
  target: string;
  fields: FieldMap;
  content: string;
}

interface ResponseView {
  status: number;
  fields: FieldMap;
  content: string;
}

/** Bodies up to this size are shown as they are, for the sake of a readable failure. */
const SHOWN_BYTES = 200;

/** Written by the gateway when it answers, whatever the upstream said. */
const OF_THE_ANSWER = /^(connection|x-kong-(request-id|(upstream|proxy|response)-latency))$/;

/** A `Date` this near is the gateway's own: those of the upstream are years old in these specs. */
const OWN_DATE_WITHIN_MS = 3_600_000;

export function requestView({ request, answer }: Passage): RequestView {
  const ofTheConnection = ['connection', LANE_HEADER.toLowerCase()];
  const fields = byName(request.fields.filter(([name]) => !ofTheConnection.includes(name.toLowerCase())));
  // The request's ID differs; that the client was told the same one does not.
  if (String(fields['x-kong-request-id']) === answer.header('X-Kong-Request-Id')) {
    fields['x-kong-request-id'] = ['as in the answer'];
  }
  return { method: request.method, target: request.target, fields, content: contentView(request.body) };
}

export function responseView(response: HttpResponse): ResponseView {
  const fields = response.fields.filter(([name, value]) => {
    const isOwnDate = /^date$/i.test(name) && Math.abs(Date.parse(value) - Date.now()) < OWN_DATE_WITHIN_MS;
    return !isOwnDate && !OF_THE_ANSWER.test(name.toLowerCase());
  });
  return { status: response.status, fields: byName(fields), content: contentView(response.body) };
}

/** @throws where a change is none: a table that says so is out of date */
export function changed(fields: FieldMap, changes: Changes): Record<string, readonly unknown[]> {
  const result: Record<string, readonly unknown[]> = { ...fields };
  for (const [name, values] of Object.entries(changes)) {
    if (values === undefined) continue;
    if (JSON.stringify(values ?? undefined) === JSON.stringify(fields[name])) {
      throw new Error(`${name} is the same without the plugin: ${JSON.stringify(fields[name])}`);
    }
    if (values === null) delete result[name];
    else result[name] = values;
  }
  return result;
}

function byName(fields: readonly Field[]): Record<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    map.set(lower, [...(map.get(lower) ?? []), value]);
  }
  return Object.fromEntries(map);
}

/** The bytes themselves, or how many there are and their SHA-256. */
function contentView(body: Buffer): string {
  return body.length <= SHOWN_BYTES
    ? body.toString('latin1')
    : `${body.length} bytes, ${createHash('sha256').update(body).digest('hex')}`;
}
