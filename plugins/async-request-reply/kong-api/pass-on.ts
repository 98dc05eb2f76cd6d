// Leaves a request to Kong and the upstream, which never sees a marker of re-entry.
import type { Pass } from '../http/reply';
import { LOOPBACK_HEADER } from '../loopback/loopback-token';
import type { Pdk } from './pdk';

/** Where kong/fail-closed.lua looks for what the plugin has let through: a table of Lua's that no client reaches. */
const SIGN = 'async_request_reply';

/** Ends the access phase without an answer. */
export async function passOn(pdk: Pdk, pass: Pass): Promise<void> {
  // An empty one, too, which looks like none.
  await pdk.service.request.clear_header(LOOPBACK_HEADER);
  if (pass.vary !== undefined) {
    await pdk.response.add_header('Vary', pass.vary);
  }
  // Last: until here the companion stops it.
  if (pass.isLoopback === true) {
    await pdk.ctx.shared.set(SIGN, 'loopback');
  }
}
