// The plugin server's own settings, from the environment: Kong starts it with an empty one, so they stand in
// `pluginserver_X_start_cmd` after `/usr/bin/env`.
import { PluginServerError } from './plugin-server-error';

/** Settings of the process, not of a plugin instance. */
export type Settings = {
  readonly listenBacklog: number;
  readonly drainTimeoutMs: number;
  readonly logLevel: string;
};

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];

/**
 * Reads `ARR_LISTEN_BACKLOG` (1 to 65535, default 65535), `ARR_DRAIN_TIMEOUT_SECONDS` (0 to 3600, default 30) and
 * `ARR_LOG_LEVEL` (a pino level, default info). Empty counts as absent.
 *
 * @throws PluginServerError `ERR_STARTUP` for anything else
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const logLevel = env['ARR_LOG_LEVEL'] || 'info';
  if (!LOG_LEVELS.includes(logLevel)) {
    throw new PluginServerError('ERR_STARTUP', `ARR_LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
  }
  return {
    listenBacklog: integer(env, 'ARR_LISTEN_BACKLOG', 65_535, 1, 65_535),
    drainTimeoutMs: integer(env, 'ARR_DRAIN_TIMEOUT_SECONDS', 30, 0, 3_600) * 1_000,
    logLevel,
  };
}

function integer(env: NodeJS.ProcessEnv, name: string, byDefault: number, min: number, max: number): number {
  const value = Number(env[name] || byDefault);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new PluginServerError('ERR_STARTUP', `${name} must be an integer from ${min} to ${max}`);
  }
  return value;
}
