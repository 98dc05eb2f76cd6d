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

/** 30 days: the longest time that Redis keeps a job or a result. */
const MAX_TTL_SECONDS = 2592000;

export const configSchema = field.optionalRecord('Config', 'The configuration of one plugin instance.', [], {
  intercept: field.choice(
    'Which requests become jobs: always means every request; prefer means requests with Prefer: respond-async; never means none, and the route serves polls only.',
    ['always', 'prefer', 'never'],
    { default: 'always' },
  ),
  poll_queues: field.set(
    'Names of the queues whose jobs clients can poll on this route.',
    field.string('Name of a queue.', values.queueName),
    { 'x-default': 'the queue of the route' },
  ),
  pass_websocket: field.flag('Whether WebSocket handshakes are proxied to the upstream.', { default: false }),
  methods: field.set(
    'Methods whose requests become jobs. Requests with other methods are proxied to the upstream.',
    field.string('An HTTP method in capitals.', values.method),
    { minItems: 1, default: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
  ),
  id_header: field.string('Header that carries the job ID in responses and in polls.', {
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
  status_url: field.string(
    'Template of the status URL, with {id} in place of the job ID. Set it if a separate route serves the polls.',
    {
      ...values.statusUrl,
      'x-default': 'the path of the request with id_query',
    },
  ),
  forwarded_prefix: field.flag(
    "Whether Location and links begin with the X-Forwarded-Prefix that a proxy in front of Kong sends. Only peers in Kong's trusted_ips are believed.",
    { default: false },
  ),
  on_complete: field.choice(
    'What the status URL returns for a completed job: redirect is a 303 to the result, resource is a 303 to the resource that the upstream created, status is a 200 with the final status.',
    ['redirect', 'resource', 'status'],
    { default: 'redirect' },
  ),
  delete_after_read: field.flag('Whether the result is deleted after the client has fetched it once.', {
    default: false,
  }),
  result_ttl_seconds: field.integer(
    'How long a settled job and its result are kept, in seconds. Then they expire.',
    1,
    MAX_TTL_SECONDS,
    {
      default: 86400,
    },
  ),
  deadline_seconds: field.integer(
    'How long after the job was accepted an attempt may still start, in seconds.',
    1,
    MAX_TTL_SECONDS,
    { default: 3600 },
  ),
  retry_after_seconds: field.integer(
    "Retry-After of a response for a pending job, in seconds. It grows with the queue's waiting time if that is known.",
    1,
    3600,
    { default: 1 },
  ),
  min_poll_interval_ms: field.integer(
    'Shortest time between two polls of the same unsettled job, in milliseconds. Faster polls are rejected with 429. 0 disables the limit.',
    0,
    60000,
    { default: 0 },
  ),
  owner: field.choice(
    'Who may see a job: consumer or credential is the one that Kong authenticated; header is identified by the hash of owner_header; none is every client that knows the job ID; auto is the consumer if there is one, else the credential, else none.',
    ['auto', 'consumer', 'credential', 'header', 'none'],
    { default: 'auto' },
  ),
  owner_header: field.string('Header whose hash identifies the owner if owner is header.', {
    ...values.headerName,
    default: 'authorization',
  }),
  on_store_failure: field.choice(
    'What happens to a request if Redis does not respond: reject returns 503; proxy sends the request to the upstream as if the plugin were absent.',
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
    'How a job reaches the upstream: over HTTP, or through Kafka with a reply topic.',
    ['http', 'kafka'],
    {
      default: 'http',
    },
  ),
  kafka: kafkaSchema,
  redis: redisSchema,
});
