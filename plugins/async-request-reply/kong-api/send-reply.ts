// Carries a reply to the client by kong.response.exit, around what exit and nginx do to it on the way.
import { lengthToState, type ShortReply } from '../http/reply';
import { settleMethod } from './answer-method';
import type { OutgoingHeaders, Pdk } from './pdk';
import type { NginxVariables } from './nginx-variables';

/** Lists of which nginx keeps the last field alone. In one field they say the same (RFC 9110, 5.3). */
const KEPT_ONCE: ReadonlySet<string> = new Set(['accept-ranges', 'content-encoding', 'www-authenticate']);

/** The conditions that nginx itself checks on a 200, against the reply: it answers 304, or hangs up where it means 412. */
const CONDITIONS = [
  ['If-Match', 'http_if_match'],
  ['If-None-Match', 'http_if_none_match'],
  ['If-Modified-Since', 'http_if_modified_since'],
  ['If-Unmodified-Since', 'http_if_unmodified_since'],
] as const;

/** Field names compare without case: the fields of one name become one array under its first spelling. */
function outgoingHeaders(reply: ShortReply): OutgoingHeaders {
  const headers = Object.create(null) as OutgoingHeaders;
  const spellings = new Map<string, string>();
  for (const [name, value] of reply.headers) {
    const lower = name.toLowerCase();
    const spelling = spellings.get(lower) ?? name;
    spellings.set(lower, spelling);
    const before = headers[spelling];
    if (before === undefined) {
      headers[spelling] = value;
    } else if (KEPT_ONCE.has(lower)) {
      headers[spelling] = `${String(before)}, ${value}`;
    } else if (Array.isArray(before)) {
      before.push(value);
    } else {
      headers[spelling] = [before, value];
    }
  }
  return headers;
}

/**
 * Kong puts its own Server on whatever a plugin answers, unless Via is Kong's name alone: so its own plugins keep the
 * Server of what they call (Kong's runloop/handler.lua, header_filter.after).
 */
async function keepServer(
  variables: NginxVariables,
  reply: ShortReply,
  headers: OutgoingHeaders,
): Promise<void> {
  const names = new Set(reply.headers.map(([name]) => name.toLowerCase()));
  if (names.has('server') && !names.has('via')) {
    headers['Via'] = (await variables.get('upstream_via')).split(' ').at(-1) ?? '';
  }
}

/** Ends the request with `reply`. After it Kong sends nothing more for this request. */
export async function sendReply(pdk: Pdk, variables: NginxVariables, reply: ShortReply): Promise<void> {
  const headers = outgoingHeaders(reply);
  await keepServer(variables, reply, headers);
  const length = lengthToState(reply);
  if (length !== reply.body.length) {
    // Exit would count the body, even ''. No values: Kong takes the length for given, and nginx sends none.
    headers['Content-Length'] = length === null ? [] : String(length);
  }
  if (reply.status === 200) {
    for (const [name, variable] of CONDITIONS) {
      if ((await variables.get(variable)) !== '') {
        await pdk.service.request.clear_header(name);
      }
    }
  }
  await settleMethod(pdk, variables, false);
  await pdk.response.exit(reply.status, reply.body, headers);
}
