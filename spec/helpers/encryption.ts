// What specs of encryption have in common: keys, and routes that have them.
import { randomBytes } from 'node:crypto';
import type { RouteOptions } from './stack/kong-config';

export const newEncryptionKey = (): string => randomBytes(32).toString('base64');

/** A route whose queue stays the same whatever its keys are. */
export const routeWithKeys = (name: string, keys?: string[], config: object = {}): RouteOptions => ({
  name,
  config: {
    queue: { name },
    retry: { attempts: 1 },
    ...config,
    ...(keys && { encryption: { keys } }),
  },
});
