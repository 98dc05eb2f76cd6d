import { JobStore } from '../../plugins/async-request-reply/store/job-store';
import { openWorkerClient } from '../../plugins/async-request-reply/store/redis-client';
import type { ScriptedRedis } from '../../plugins/async-request-reply/store/scripts';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from './redis-server';

export interface StartedJobStore {
  readonly redis: ScriptedRedis;
  readonly store: JobStore;
  stop(): Promise<void>;
}

/** The records, on a Redis of their own. */
export async function startJobStore(prefix: string): Promise<StartedJobStore> {
  const server = await RedisServer.reserve({ appendOnly: false });
  await server.start();
  const redis = openWorkerClient(resolveConfig({ redis: { port: server.port } }).redis, () => undefined);
  return {
    ...{ redis, store: new JobStore(redis, prefix) },
    stop: async () => {
      redis.disconnect();
      await server.stop();
    },
  };
}
