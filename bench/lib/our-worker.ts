import type { RedisServer } from '../../spec/helpers/redis-server';
import { ourScript } from './our-script';
import { WorkerProcess } from './worker-process';

interface OurWorkerOptions {
  readonly redis: RedisServer;
  readonly keyPrefix: string;
  /** Whose worker; default this checkout's. */
  readonly checkout?: string | undefined;
  readonly nodeArguments?: readonly string[];
}

/** Our worker as a process of its own, on every queue there is. */
export function startOurWorker(options: OurWorkerOptions): WorkerProcess {
  const { redis, keyPrefix, checkout, nodeArguments = [] } = options;
  return WorkerProcess.start([...nodeArguments, ourScript('worker', checkout)], {
    ARR_REDIS_HOST: redis.host,
    ARR_REDIS_PORT: String(redis.port),
    ARR_KEY_PREFIX: keyPrefix,
    ARR_LOG_LEVEL: 'warn',
  });
}
