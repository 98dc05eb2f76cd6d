// Lets Kong proxy a request to the upstream, which never sees a loopback token.
import type { PassAction } from '../access/gateway-action';
import { LOOPBACK_HEADER } from '../loopback/loopback-token';
import type { Pdk } from './pdk';

/** kong/fail-closed.lua reads this name to learn what the plugin has let pass. Clients cannot reach the Lua table that has it. */
const SIGN = 'async_request_reply';

/** Ends the access phase without a reply. */
export async function passOn(pdk: Pdk, pass: PassAction): Promise<void> {
  // An empty token, too, which nginx does not tell from an absent one.
  await pdk.service.request.clear_header(LOOPBACK_HEADER);
  if (pass.vary !== undefined) {
    await pdk.response.add_header('Vary', pass.vary);
  }
  // Last: until then the fail-closed guard stops the request.
  if (pass.isLoopback === true) {
    await pdk.ctx.shared.set(SIGN, 'loopback');
  }
}
