/**
 * Every setting of the processes (the plugin server and the workers), declared once. A setting's name in the settings
 * file is its path joined by `_` (`redis_host`), in the environment the same in capitals after `ARR_`; see setting-names.
 */
import { redisSchema } from './config/redis';
import { redisRules } from './config/redis-rules';
import { field } from './field';
import type { Rule } from './rule';

const LISTEN = {
  format: 'listen',
  pattern: '^(([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):)?[0-9]{1,5}$',
  maxLength: 262,
  'x-says': 'host:port, or a port, which is on 127.0.0.1',
  'x-default': 'no listener',
} as const;

/** Of `log_level`. */
export const DEFAULT_LOG_LEVEL = 'info';

export const processSettingsSchema = field.optionalRecord(
  'ProcessSettings',
  'The settings of the plugin server and of a worker.',
  [],
  {
    redis: redisSchema,
    queues: field.set(
      'Queues that this worker serves. An asterisk in a name matches any characters.',
      field.string('Name or pattern of a queue.', {
        pattern: '^[A-Za-z0-9._*-]+$',
        maxLength: 64,
        'x-says': 'a queue name, in which * matches any characters',
      }),
      { minItems: 1, default: ['*'] },
    ),
    worker_threads: field.integer('Number of worker threads in the plugin server. 0 runs none.', 0, 64, {
      default: 1,
    }),
    lease_seconds: field.integer(
      'Lease of a job in seconds. A worker renews it while it runs the job. When the lease expires, the job counts as lost and another worker may run it.',
      2,
      3600,
      { default: 15 },
    ),
    stalled_check_seconds: field.integer(
      'Interval at which workers look for lost jobs, in seconds.',
      1,
      3600,
      {
        default: 5,
      },
    ),
    drain_timeout_seconds: field.integer(
      'How long running calls may continue after SIGTERM, in seconds.',
      0,
      3600,
      {
        default: 30,
      },
    ),
    listen_backlog: field.integer(
      'Number of connections from Kong that may wait for the plugin server. The kernel limits it to net.core.somaxconn.',
      1,
      65535,
      { default: 65535 },
    ),
    socket_mode: field.choice(
      "Permissions of the plugin server's socket: 0600 is for its own user; 0660 is also for its group, if Kong runs as another user.",
      ['0600', '0660'],
      { default: '0600' },
    ),
    health_listen: field.string('Address at which the process serves /live and /ready.', LISTEN),
    metrics_listen: field.string('Address at which the process serves its metrics.', LISTEN),
    log_level: field.choice(
      'Minimum severity of the messages that are logged.',
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      { default: DEFAULT_LOG_LEVEL },
    ),
    secrets_file: field.string(
      'File with the secrets of workers by name: encryption keys, callback secrets, client keys, Kafka credentials.',
      { maxLength: 4096 },
    ),
    settings_file: field.string('JSON file with these settings. Only the environment can name it.', {
      maxLength: 4096,
    }),
  },
);

export const processSettingsRules: readonly Rule[] = [
  { kind: 'order', low: 'stalled_check_seconds', high: 'lease_seconds' },
  ...redisRules,
];
