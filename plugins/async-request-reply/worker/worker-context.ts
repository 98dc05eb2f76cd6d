// What the parts of a worker share.
import type pino from 'pino';
import type { QueueIndex } from '../queue/queue-index';
import type { SecretStore } from '../secrets/secret-store';
import type { JobStore } from '../jobs/job-store';
import type { RedisClient } from '../redis/redis-client';
import type { StorageQuota } from '../queue/storage-quota';
import type { Dispatcher } from '../dispatch/dispatcher';
import type { Lease } from './lease';
import type { MissingSecrets } from './missing-secrets';
import type { SettingsCache } from './settings-cache';
import type { KeySpace } from '../redis/keys';

export interface WorkerContext {
  readonly redis: RedisClient;
  readonly keys: KeySpace;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly quota: StorageQuota;
  readonly settings: SettingsCache;
  readonly secrets: SecretStore;
  /** Logs which of them are missing. */
  readonly missingSecrets: MissingSecrets;
  readonly dispatcher: Dispatcher;
  /** Leases of the jobs that run in this worker, by job ID. */
  readonly leases: Map<string, Lease>;
  readonly leaseMs: number;
  /** How often stalled jobs and the index of open jobs are checked. */
  readonly stalledCheckMs: number;
  readonly log: pino.Logger;
}
