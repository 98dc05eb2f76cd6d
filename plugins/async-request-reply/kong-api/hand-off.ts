// Lets nginx carry a request to the handoff listener, in the place of the upstream.
import { randomBytes } from 'node:crypto';
import { TICKET_HEADER } from '../handoff/streaming-command';
import type { HeaderField } from '../http/reply';
import type { Pdk } from './pdk';
import type { NginxVariables } from './nginx-variables';

/**
 * Has Kong send fields of ours beside those that come from the listener: nginx takes only so many bytes of header section from
 * there.
 */
export async function presetFields(pdk: Pdk, fields: readonly HeaderField[]): Promise<void> {
  for (const [name, value] of fields) {
    await pdk.response.add_header(name, value);
  }
}

const HOST = '127.0.0.1';
const PATH = '/';
const NONCE_BYTES = 16;

/**
 * Ends the access phase without an answer: nginx connects to the listener. What the request says is in the note: its target
 * goes no further, in which nginx takes bytes that the parser of Node.js refuses.
 * The query is random: caches of lower priority know of it only, and two jobs at one URL are two things to them. It does not name
 * the job, since logs have it.
 */
export async function handOff(
  pdk: Pdk,
  variables: NginxVariables,
  port: number,
  ticket: string,
): Promise<void> {
  await pdk.service.request.set_header(TICKET_HEADER, ticket);
  if ((await variables.get('upstream_scheme')) !== 'http') {
    await pdk.service.request.set_scheme('http');
  }
  await pdk.service.request.set_path(PATH);
  await pdk.service.request.set_raw_query(randomBytes(NONCE_BYTES).toString('base64url'));
  // Last: until here the request goes nowhere but to the fail-closed companion.
  await pdk.service.set_target(HOST, port);
}
