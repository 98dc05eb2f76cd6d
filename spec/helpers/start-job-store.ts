import { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { openWorkerClient, type RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { resolveConfig } from '../../schemas/resolve-config';
import { RedisServer } from './redis-server';
import type { Releasers } from './stack/releasers';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';

interface StartedJobStore {
  readonly server: RedisServer;
  readonly redis: RedisClient;
  readonly store: JobStore;
}

/** The records, on a Redis of their own, which ends with the resources. */
export async function startJobStore(prefix: string, resources: Releasers): Promise<StartedJobStore> {
  const server = await resources.use(RedisServer.start({ appendOnly: false }), (started) => started.stop());
  const { redis: settings } = resolveConfig({ redis: { port: server.port } });
  const redis = await resources.use(
    openWorkerClient(settings, () => undefined),
    (client) => client.disconnect(),
  );
  return { server, redis, store: new JobStore(redis, new KeySpace(prefix)) };
}
