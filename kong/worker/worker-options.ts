// From the settings of a process to the options of its worker.
import type pino from 'pino';
import type { ProcessSettings } from '../../schemas/generated/process-settings-type';
import type { SecretStore } from '../../plugins/async-request-reply/secrets/secret-store';
import type { RedisSettings } from '../../plugins/async-request-reply/redis/redis-client';
import type { WorkerOptions } from '../../plugins/async-request-reply/worker/worker';

/** @param at the Redis of a plugin instance, which overrides the settings if a worker runs for it. */
export function workerOptions(
  settings: ProcessSettings,
  log: pino.Logger,
  secrets: SecretStore,
  at: { redis: RedisSettings; keyPrefix: string } = {
    redis: settings.redis,
    keyPrefix: settings.redis.key_prefix,
  },
): WorkerOptions {
  return {
    ...at,
    queues: settings.queues,
    leaseMs: settings.lease_seconds * 1000,
    stalledCheckMs: settings.stalled_check_seconds * 1000,
    secrets,
    log,
  };
}
