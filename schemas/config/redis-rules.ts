/** Rules between the fields of a `redis` record, both in a plugin's configuration and in the process settings. */
import type { Rule } from '../rule';

export const redisRules: readonly Rule[] = [
  { kind: 'together', fields: ['redis.sentinel_master', 'redis.sentinel_nodes'] },
  { kind: 'exclusive', fields: ['redis.cluster_nodes', 'redis.sentinel_nodes'] },
  { kind: 'needs', when: 'redis.sentinel_username', field: 'redis.sentinel_password' },
  { kind: 'needs', when: 'redis.sentinel_password', field: 'redis.sentinel_master' },
];
