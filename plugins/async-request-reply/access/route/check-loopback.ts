// What Kong's schema cannot say of `upstream.mode: loopback`.
import type { Config } from '../../../../schemas/generated/config-type';
import { ConfigError } from '../../../../schemas/config-error';

/**
 * A request that has the job's ID is never a submit, also where a service leads back to Kong: without it such a request
 * would go round for ever.
 *
 * @throws ConfigError where the ID is not to be sent.
 */
export function checkLoopback({ upstream: { mode, send_id: sendsId } }: Config): void {
  if (mode === 'loopback' && !sendsId) {
    throw new ConfigError('The configuration of the plugin async-request-reply', [
      {
        field: 'upstream.send_id',
        message:
          'upstream.send_id is false, and upstream.mode is loopback, which needs the job ID. Leave it out.',
      },
    ]);
  }
}
