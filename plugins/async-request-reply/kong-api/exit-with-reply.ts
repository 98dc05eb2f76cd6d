// Sends a reply to the client by kong.response.exit, and prevents the changes that exit and nginx would make to it.
import { lengthToState, type ShortReply } from '../http/reply';
import { settleMethod } from './answer-method';
import type { OutgoingHeaders, Pdk } from './pdk';
import type { NginxVariables } from './nginx-variables';

/** Lists of which nginx keeps only the last field. Joined in one field they mean the same (RFC 9110, 5.3). */
const KEPT_ONCE: ReadonlySet<string> = new Set(['accept-ranges', 'content-encoding', 'www-authenticate']);

/** Conditions that nginx checks against a 200 of its own accord: it replies 304, or closes the connection in place of a 412. */
const CONDITIONS = [
  ['If-Match', 'http_if_match'],
  ['If-None-Match', 'http_if_none_match'],
  ['If-Modified-Since', 'http_if_modified_since'],
  ['If-Unmodified-Since', 'http_if_unmodified_since'],
] as const;

/** The header fields by name. Names compare without case: fields with one name become one array under its first spelling. */
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
 * Keeps the Server field of the reply. Kong replaces it unless Via is exactly Kong's name, which is how Kong's own plugins keep the
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

/** Ends the request with `reply`. */
export async function exitWithReply(pdk: Pdk, variables: NginxVariables, reply: ShortReply): Promise<void> {
  const headers = outgoingHeaders(reply);
  await keepServer(variables, reply, headers);
  const length = lengthToState(reply);
  if (length !== reply.body.length) {
    // Exit would state the length of the body, even of ''. With an empty list Kong takes the length as given, and nginx sends none.
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
