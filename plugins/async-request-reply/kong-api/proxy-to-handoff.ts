// Lets nginx proxy a request to the handoff listener in place of the upstream.
import { randomBytes } from 'node:crypto';
import { TICKET_HEADER } from '../handoff/types';
import type { HeaderField } from '../http/reply';
import type { Pdk } from './pdk';
import type { NginxVariables } from './nginx-variables';

/** Lets Kong add fields to the response of the listener, from which nginx accepts a limited header section. */
export async function addPresets(pdk: Pdk, fields: readonly HeaderField[]): Promise<void> {
  for (const [name, value] of fields) {
    await pdk.response.add_header(name, value);
  }
}

const HOST = '127.0.0.1';
const PATH = '/';
const NONCE_BYTES = 16;

interface HandoffProxy {
  /** Of the listener. */
  readonly port: number;
  readonly ticket: string;
}

/**
 * Ends the access phase without a reply: nginx connects to the listener. The ticket has everything that the request says. The request
 * target is replaced, since nginx accepts bytes in it that the parser of Node.js rejects.
 *
 * The query is random: caches with a lower priority see nothing but the query, and must take two jobs at one URL for two resources. It
 * does not contain the job ID, since logs contain the query.
 */
export async function proxyToHandoff(
  pdk: Pdk,
  variables: NginxVariables,
  { port, ticket }: HandoffProxy,
): Promise<void> {
  await pdk.service.request.set_header(TICKET_HEADER, ticket);
  if ((await variables.get('upstream_scheme')) !== 'http') {
    await pdk.service.request.set_scheme('http');
  }
  await pdk.service.request.set_path(PATH);
  await pdk.service.request.set_raw_query(randomBytes(NONCE_BYTES).toString('base64url'));
  // Last: until then the fail-closed guard stops the request.
  await pdk.service.set_target(HOST, port);
}
