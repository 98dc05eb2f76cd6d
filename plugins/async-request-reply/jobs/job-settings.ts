// What a worker has to know of the plugin instance that accepted a job. The document is stored once, under its content hash, which
// each job names. It contains the fingerprints of secrets, never a secret.
import { createHash } from 'node:crypto';

/** A setting that is a secret, and the secret's fingerprint (secrets/fingerprint.ts). */
export type SecretFingerprint = readonly [field: string, fingerprint: string];

export interface JobSettings {
  readonly version: 1;
  readonly queue: string;
  /** Kong's name of the service (without one: the route) whose ID is the queue's name. Absent if it has no name, or the queue has its own. */
  readonly service?: string;
  /** Calls in flight, over all workers. */
  readonly concurrency: number;
  /** Starts in each `ratePerMs`, over all workers; 0 is no limit. */
  readonly rateMax: number;
  readonly ratePerMs: number;
  /** Failures in a row that open the circuit breaker; 0 is off. */
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
  readonly connectTimeoutMs: number;
  readonly attemptTimeoutMs: number;
  readonly tlsVerify: boolean;
  /** PEM. */
  readonly caCertificates: readonly string[];
  readonly maxResponseBytes: number;
  /** Of a response's header section. */
  readonly maxHeadBytes: number;
  /** Of the header section of a response that only the handoff path can carry. */
  readonly maxHandoffHeadBytes: number;
  readonly retryStatuses: readonly number[];
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Attempts of a run that may fail before the upstream is reached. */
  readonly connectAttempts: number;
  /** The longest pause of the queue after a Retry-After; 0: none. */
  readonly maxPauseMs: number;
  /** Secrets that a worker needs to run the job; absent if there are none. */
  readonly secrets?: readonly SecretFingerprint[];
}

export interface NamedSettings {
  readonly hash: string;
  readonly text: string;
}

/** The settings as they are stored, under the first 128 bits of the SHA-256 of their text. */
export function nameSettings(settings: JobSettings): NamedSettings {
  const text = JSON.stringify(settings, Object.keys(settings).sort());
  return { hash: createHash('sha256').update(text).digest('hex').slice(0, 32), text };
}
