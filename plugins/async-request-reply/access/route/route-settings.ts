// The configuration of a plugin instance as the access side uses it: with the names and units of the code, and with limits that
// the inline path can carry if there is no handoff path.
import type { Config } from '../../../../schemas/generated/config-type';
import type { RedisSettings } from '../../redis/redis-client';
import { nameSettings, type NamedSettings, type SecretFingerprint } from '../../jobs/job-settings';
import { INLINE_MAX_REQUEST_BYTES, INLINE_MAX_RESPONSE_BYTES } from '../../http/inline-limits';
import type { MatchedRoute } from '../gateway-request';
import { callbackSettings, type CallbackSettings } from './callback-settings';
import { EncryptionKeys } from '../../secrets/encryption-keys';
import { fingerprints, routeSecrets } from './route-secrets';
import type { IdempotencySettings } from '../submit/idempotency';
import type { OwnerSettings } from '../owner';
import { validationSettings, type ValidationSettings } from './validation-settings';
import type { ValidatorPool } from '../../validation/validator-pool';

export interface RouteSettings extends OwnerSettings {
  readonly intercept: Config['intercept'];
  readonly methods: ReadonlySet<string>;
  readonly passWebSocket: boolean;
  readonly idHeader: string;
  readonly idQuery: string;
  readonly resultQuery: string;
  readonly statusUrl: string | undefined;
  readonly forwardedPrefix: boolean;
  readonly onComplete: Config['on_complete'];
  readonly resultTtlMs: number;
  readonly deadlineMs: number;
  readonly retryAfterSeconds: number;
  readonly onStoreFailure: Config['on_store_failure'];
  /** What takes the handoff path; undefined if this process has none. A threshold of 0 means everything. */
  readonly handoff:
    | {
        /** Undefined: no request takes it. */
        readonly requestThresholdBytes: number | undefined;
        readonly responseThresholdBytes: number;
        /** The largest header section that nginx accepts from the listener. */
        readonly maxHeadBytes: number;
      }
    | undefined;
  readonly maxRequestBytes: number;
  readonly maxResponseBytes: number;
  readonly maxHeadBytes: number;
  readonly dropHeaders: ReadonlySet<string>;
  readonly upstream: Config['upstream'];
  /** Undefined: the service's ID, else the route's. */
  readonly queueName: string | undefined;
  readonly pollQueues: readonly string[];
  readonly queue: Config['queue'];
  readonly retry: Config['retry'];
  readonly breaker: Config['breaker'];
  readonly wait: Config['wait'];
  readonly deleteAfterRead: boolean;
  readonly minPollIntervalMs: number;
  /** Replicas that must have a job before its 202. */
  readonly minReplicas: number;
  readonly redis: RedisSettings;
  readonly keyPrefix: string;
  /** Of the secrets that a worker needs and must not read from Redis. */
  readonly secrets: readonly SecretFingerprint[];
  /** They encrypt what is stored. Without keys it is stored as plain text. */
  readonly keys: EncryptionKeys;
  readonly idempotency: IdempotencySettings;
  readonly callback: CallbackSettings;
  /** Undefined if the route has no schemas. */
  readonly validation: ValidationSettings | undefined;
}

/** How long after its accept a job may exist: until the end of its last attempt and of the TTL of its result. */
export const jobLifeMs = (settings: RouteSettings): number =>
  settings.deadlineMs + settings.upstream.attempt_timeout + settings.resultTtlMs;

/** The name of the queue if the configuration gives none. */
export const queueByEntity = ({ serviceId, routeId }: Pick<MatchedRoute, 'serviceId' | 'routeId'>): string =>
  serviceId ?? routeId ?? 'default';

/** What a process provides for the requests of an instance. */
interface RouteDeps {
  /** Checks requests against schemas; undefined if nothing is to be checked. */
  readonly validators?: ValidatorPool | undefined;
  /** Whether the process has a handoff path. Without it the limits for bodies are those of the inline path. */
  readonly hasHandoff?: boolean;
}

export function routeSettings(config: Config, deps: RouteDeps = {}): RouteSettings {
  const settings = settingsOf(config, deps.validators);
  return deps.hasHandoff === true ? settings : inlineSettings(settings);
}

/** The same settings without the handoff path: for a process that has none, and for a route with no service. */
export const inlineSettings = (settings: RouteSettings): RouteSettings => ({
  ...settings,
  handoff: undefined,
  maxRequestBytes: Math.min(settings.maxRequestBytes, INLINE_MAX_REQUEST_BYTES),
  maxResponseBytes: Math.min(settings.maxResponseBytes, INLINE_MAX_RESPONSE_BYTES),
});

function settingsOf(config: Config, validators: ValidatorPool | undefined): RouteSettings {
  // A body that is to be checked has to be in memory.
  const isBodyChecked = config.request.body_schema !== undefined;
  const maxRequestBytes = maxBodyBytes(config);
  return {
    intercept: config.intercept,
    methods: new Set(config.methods),
    passWebSocket: config.pass_websocket,
    idHeader: config.id_header,
    idQuery: config.id_query,
    resultQuery: config.result_query,
    statusUrl: config.status_url,
    forwardedPrefix: config.forwarded_prefix,
    onComplete: config.on_complete,
    resultTtlMs: config.result_ttl_seconds * 1000,
    deadlineMs: config.deadline_seconds * 1000,
    retryAfterSeconds: config.retry_after_seconds,
    owner: config.owner,
    ownerHeader: config.owner_header,
    onStoreFailure: config.on_store_failure,
    handoff: {
      requestThresholdBytes: isBodyChecked
        ? undefined
        : Math.min(config.handoff.request_threshold_bytes, INLINE_MAX_REQUEST_BYTES),
      responseThresholdBytes: Math.min(config.handoff.response_threshold_bytes, INLINE_MAX_RESPONSE_BYTES),
      maxHeadBytes: config.handoff.max_head_bytes,
    },
    maxRequestBytes: isBodyChecked ? Math.min(maxRequestBytes, INLINE_MAX_REQUEST_BYTES) : maxRequestBytes,
    maxResponseBytes: config.response.max_body_bytes,
    maxHeadBytes: config.response.max_head_bytes,
    dropHeaders: new Set((config.request.drop_headers ?? []).map((name) => name.toLowerCase())),
    upstream: config.upstream,
    queueName: config.queue.name,
    pollQueues: config.poll_queues ?? [],
    queue: config.queue,
    retry: config.retry,
    breaker: config.breaker,
    wait: config.wait,
    deleteAfterRead: config.delete_after_read,
    minPollIntervalMs: config.min_poll_interval_ms,
    minReplicas: config.redis.min_replicas,
    redis: config.redis,
    keyPrefix: config.redis.key_prefix,
    secrets: fingerprints(routeSecrets(config)),
    keys: new EncryptionKeys(config.encryption.keys ?? []),
    idempotency: {
      header: config.idempotency.header,
      from: config.idempotency.from,
      required: config.idempotency.required,
      ttlMs: config.idempotency.ttl_seconds * 1000,
    },
    callback: callbackSettings(config),
    validation: validators && validationSettings(config.request, validators),
  };
}

/** A body that exceeds the storage limit of its queue is too large even if the queue is empty. */
const maxBodyBytes = ({ request, queue }: Config): number =>
  queue.max_stored_bytes === 0
    ? request.max_body_bytes
    : Math.min(request.max_body_bytes, queue.max_stored_bytes);

/** What the service in Kong adds to the settings of a job. */
interface OfService {
  /** Applies if the configuration has no `upstream.tls_verify`. */
  readonly tlsVerify: boolean;
  readonly service?: string | undefined;
}

/** The settings document of the jobs that this route accepts for `queue`. */
export function jobSettings(
  settings: RouteSettings,
  queue: string,
  { tlsVerify, service }: OfService,
): NamedSettings {
  return nameSettings({
    version: 1,
    queue,
    ...(service !== undefined && { service }),
    concurrency: settings.queue.concurrency,
    rateMax: settings.queue.rate_limit?.max ?? 0,
    ratePerMs: (settings.queue.rate_limit?.per_seconds ?? 0) * 1000,
    breakerFailures: settings.breaker.failures,
    breakerOpenMs: settings.breaker.open_seconds * 1000,
    connectTimeoutMs: settings.upstream.connect_timeout,
    attemptTimeoutMs: settings.upstream.attempt_timeout,
    tlsVerify: settings.upstream.tls_verify ?? tlsVerify,
    caCertificates: certificates(settings.upstream.ca_certificates),
    maxResponseBytes: settings.maxResponseBytes,
    maxHeadBytes: settings.maxHeadBytes,
    // Without the handoff path no header section is larger.
    maxHandoffHeadBytes: settings.handoff?.maxHeadBytes ?? settings.maxHeadBytes,
    retryStatuses: settings.retry.statuses,
    backoffMs: settings.retry.backoff_ms,
    maxBackoffMs: settings.retry.max_backoff_ms,
    connectAttempts: settings.retry.connect_attempts,
    maxPauseMs: settings.queue.max_pause_seconds * 1000,
    ...(settings.secrets.length > 0 && { secrets: settings.secrets }),
  });
}

const certificates = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;
