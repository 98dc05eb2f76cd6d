import type { RedisServer } from '../../spec/helpers/redis-server';
import { ourScript } from './our-script';
import { WorkerProcess } from './worker-process';

/** Our worker as a process of its own, on every queue there is. */
export function startOurWorker(
  redis: RedisServer,
  keyPrefix: string,
  nodeArguments: readonly string[] = [],
): WorkerProcess {
  return WorkerProcess.start([...nodeArguments, ourScript('worker')], {
    ARR_REDIS_HOST: redis.host,
    ARR_REDIS_PORT: String(redis.port),
    ARR_KEY_PREFIX: keyPrefix,
    ARR_LOG_LEVEL: 'warn',
  });
}
