import type { PluginServerErrorCode } from '../../../kong/plugin-server/plugin-server-error';

/** For `toThrow` and `rejects.toEqual`: any error with that code. */
export function withCode(code: PluginServerErrorCode): Error {
  return expect.objectContaining({ code }) as Error;
}
