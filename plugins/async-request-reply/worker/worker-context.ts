// What the parts of a worker share.
import type pino from 'pino';
import type { QueueIndex } from '../queue/queue-index';
import type { SecretBox } from '../secrets/secret-box';
import type { JobStore } from '../jobs/job-store';
import type { ScriptedRedis } from '../redis/scripts';
import type { StoredBytes } from '../queue/storage-quota';
import type { Dispatchers } from '../dispatch/http/agent-pool';
import type { Lease } from './lease';
import type { MissingSecrets } from './missing-secrets';
import type { SettingsCache } from './settings-cache';

export interface WorkerContext {
  readonly redis: ScriptedRedis;
  readonly prefix: string;
  readonly jobs: JobStore;
  readonly index: QueueIndex;
  readonly stored: StoredBytes;
  readonly settings: SettingsCache;
  readonly secrets: SecretBox;
  /** What it lacks of them. */
  readonly lacks: MissingSecrets;
  readonly dispatchers: Dispatchers;
  /** Leases of the calls that run here, by job ID. */
  readonly leases: Map<string, Lease>;
  readonly leaseMs: number;
  /** How often stalled jobs and the queue's index are looked through. */
  readonly stalledCheckMs: number;
  readonly log: pino.Logger;
}
