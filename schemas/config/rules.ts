/** Rules between the fields of the plugin's configuration. */
import type { Rule } from '../rule';
import { redisRules } from './redis-rules';

export const configRules: readonly Rule[] = [
  { kind: 'needs', when: 'upstream.mode', is: 'url', field: 'upstream.url' },
  { kind: 'needs', when: 'upstream.mode', is: 'loopback', field: 'upstream.url' },
  { kind: 'needs', when: 'upstream.mode', is: 'loopback', field: 'upstream.loopback_secret' },
  { kind: 'together', fields: ['upstream.client_cert', 'upstream.client_key'] },
  { kind: 'order', low: 'retry.backoff_ms', high: 'retry.max_backoff_ms' },
  { kind: 'order', low: 'wait.default_ms', high: 'wait.max_ms' },
  { kind: 'needs', when: 'dispatch', is: 'kafka', field: 'kafka' },
  { kind: 'together', fields: ['kafka.sasl_mechanism', 'kafka.sasl_username', 'kafka.sasl_password'] },
  { kind: 'distinct', fields: ['kafka.request_topic', 'kafka.reply_topic'] },
  ...redisRules,
  { kind: 'distinct', fields: ['id_query', 'result_query'] },
  // A header with two meanings would make every submit a poll, or an idempotency key an owner.
  {
    kind: 'distinct',
    ignoreCase: true,
    fields: [
      'id_header',
      'owner_header',
      'idempotency.header',
      'callback.header',
      'queue.priority_header',
      'queue.delay_header',
    ],
  },
];
