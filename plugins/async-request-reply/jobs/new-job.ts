// A job as a submit describes it, before its record is created.
import type { UpstreamRequestHead } from '../http/upstream-request';
import type { EncryptionKey } from '../secrets/encryption-keys';
import type { CallbackOptions } from './callback-options';

export interface NewJob {
  readonly id: string;
  readonly queue: string;
  readonly owner: string;
  readonly settingsHash: string;
  /** As the client sent it. Default: that of `request`, which plugins of Kong may have changed. */
  readonly method?: string;
  readonly request: UpstreamRequestHead;
  /** `stored`: `JobPayloads.writeRequest` has written it. */
  readonly body: Buffer | 'stored';
  /** Length of a body that is `stored`. */
  readonly storedBytes?: number;
  /** Whether an attempt that may have reached the upstream may be followed by another. */
  readonly repeatable: boolean;
  readonly maxAttempts: number;
  /** Before the first attempt. */
  readonly delayMs: number;
  readonly deadlineMs: number;
  readonly resultTtlMs: number;
  /** How long record and request live while the job is open: until the last possible attempt has ended, plus the TTL of its result. */
  readonly openTtlMs: number;
  readonly deleteAfterRead?: boolean;
  /** If the request had an idempotency key. */
  readonly idempotency?: IdempotencyOptions;
  readonly callback?: CallbackOptions | undefined;
  /** Encrypts what is stored of the request; without a key it is stored in clear text. */
  readonly key?: EncryptionKey | undefined;
}

export const submitMethod = ({ method, request }: Pick<NewJob, 'method' | 'request'>): string =>
  method ?? request.method;

/** The length of a job's request body. */
export const requestBytes = ({ body, storedBytes = 0 }: Pick<NewJob, 'body' | 'storedBytes'>): number =>
  body === 'stored' ? storedBytes : body.length;

interface IdempotencyOptions {
  /** Name of the claim: hash of caller and key. */
  readonly claimKey: string;
  readonly ttlMs: number;
  /** Created for the claim of another submit, which can no longer roll it back. */
  readonly isAdopted: boolean;
}
