/**
 * Every setting of a plugin instance, declared once. The TypeScript type, Kong's schema in JavaScript and Lua, the
 * reference table and the sample are generated from here by scripts/generate.ts; resolve-config.ts checks against it.
 */
import { breakerSchema } from './config/breaker';
import { callbackSchema } from './config/callback';
import { encryptionSchema } from './config/encryption';
import { handoffSchema } from './config/handoff';
import { idempotencySchema } from './config/idempotency';
import { kafkaSchema } from './config/kafka';
import { queueSchema } from './config/queue';
import { redisSchema } from './config/redis';
import { requestSchema } from './config/request';
import { responseSchema } from './config/response';
import { retrySchema } from './config/retry';
import { upstreamSchema } from './config/upstream';
import { waitSchema } from './config/wait';
import { field } from './field';
import { values } from './values';

/** 30 days: what Redis is asked to keep has an end that an operator can live with. */
const MAX_TTL_SECONDS = 2592000;

export const configSchema = field.optionalRecord('Config', 'The configuration of one plugin instance.', [], {
  intercept: field.choice(
    'always takes every request; prefer only those with Prefer: respond-async; never only polls.',
    ['always', 'prefer', 'never'],
    { default: 'always' },
  ),
  poll_queues: field.set(
    'Queues whose jobs can be polled on this route.',
    field.string('Name of a queue.', values.queueName),
    { 'x-default': 'its own queue' },
  ),
  pass_websocket: field.flag('Whether WebSocket handshakes pass to the upstream.', { default: false }),
  methods: field.set(
    'Methods that make jobs; requests with others pass to the upstream.',
    field.string('An HTTP method in capitals.', values.method),
    { minItems: 1, default: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
  ),
  id_header: field.string('Header that carries the job ID, in answers and in polls.', {
    ...values.headerName,
    default: 'X-Async-Kong-Id',
  }),
  id_query: field.string('Query argument of the status URL that carries the job ID.', {
    ...values.queryName,
    default: 'async-id',
  }),
  result_query: field.string('Query argument that turns the status URL into the result URL.', {
    ...values.queryName,
    default: 'async-view',
  }),
  status_url: field.string('Template of the status URL, with {id}, where a route for polls stands.', {
    ...values.statusUrl,
    'x-default': 'the path of the request with id_query',
  }),
  forwarded_prefix: field.flag(
    "Whether Location and links begin with the X-Forwarded-Prefix of a peer among Kong's trusted_ips, so that they lead back through it.",
    { default: false },
  ),
  on_complete: field.choice(
    'What the status URL says of a completed job: 303 to the result, 303 to the resource that the upstream created, or 200 with the final status.',
    ['redirect', 'resource', 'status'],
    { default: 'redirect' },
  ),
  delete_after_read: field.flag('Whether the result can be fetched only once.', { default: false }),
  result_ttl_seconds: field.integer(
    'How long a settled job and its result are kept, in seconds.',
    1,
    MAX_TTL_SECONDS,
    {
      default: 86400,
    },
  ),
  deadline_seconds: field.integer(
    'How long after the accept the last attempt may still start, in seconds.',
    1,
    MAX_TTL_SECONDS,
    { default: 3600 },
  ),
  retry_after_seconds: field.integer(
    "What a pending answer suggests as Retry-After, in seconds; it grows with the queue's wait where that is known.",
    1,
    3600,
    { default: 1 },
  ),
  min_poll_interval_ms: field.integer(
    'Polls of one unsettled job that come faster than this, in milliseconds, get 429. 0 is off.',
    0,
    60000,
    { default: 0 },
  ),
  owner: field.choice(
    'Who may see a job: auto is the consumer if there is one, else the credential, else whoever has the ID; header is the hash of owner_header.',
    ['auto', 'consumer', 'credential', 'header', 'none'],
    { default: 'auto' },
  ),
  owner_header: field.string('Header whose hash is the owner, with owner header.', {
    ...values.headerName,
    default: 'authorization',
  }),
  on_store_failure: field.choice(
    'When Redis is down: reject answers 503; proxy lets the request through to the upstream as without the plugin.',
    ['reject', 'proxy'],
    { default: 'reject' },
  ),
  request: requestSchema,
  response: responseSchema,
  upstream: upstreamSchema,
  queue: queueSchema,
  retry: retrySchema,
  breaker: breakerSchema,
  wait: waitSchema,
  idempotency: idempotencySchema,
  callback: callbackSchema,
  encryption: encryptionSchema,
  handoff: handoffSchema,
  dispatch: field.choice(
    'How the work reaches the upstream: over HTTP, or through Kafka with a reply topic.',
    ['http', 'kafka'],
    {
      default: 'http',
    },
  ),
  kafka: kafkaSchema,
  redis: redisSchema,
});
