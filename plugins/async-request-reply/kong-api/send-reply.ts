// Carries a reply to the client by kong.response.exit, around what exit does with headers and empty bodies.
import type { Reply } from '../http/reply';
import type { OutgoingHeaders, Pdk } from './pdk';

/** Statuses that have no content (RFC 9110, 15.3.5 and 15.4.5): exit with a body would give them a length. */
const WITHOUT_CONTENT: ReadonlySet<number> = new Set([204, 304]);

/** Field names compare without case: the fields of one name become one array under its first spelling. */
function outgoingHeaders(reply: Reply): OutgoingHeaders {
  const headers = Object.create(null) as OutgoingHeaders;
  const spellings = new Map<string, string>();
  for (const [name, value] of reply.headers) {
    const lower = name.toLowerCase();
    const spelling = spellings.get(lower) ?? name;
    spellings.set(lower, spelling);
    const before = headers[spelling];
    headers[spelling] =
      before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  return headers;
}

/** Ends the request with `reply`. After it Kong sends nothing more for this request. */
export async function sendReply(pdk: Pdk, reply: Reply): Promise<void> {
  const headers = outgoingHeaders(reply);
  if (WITHOUT_CONTENT.has(reply.status)) {
    await pdk.response.set_headers(headers);
    await pdk.response.exit(reply.status);
    return;
  }
  await pdk.response.exit(reply.status, reply.body, headers);
}
