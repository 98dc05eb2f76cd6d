// A job as a submit describes it, before there is a record.
import type { UpstreamRequestHead } from '../http/upstream-request';
import type { EncryptionKey } from '../secrets/encryption-keys';
import type { CallbackOptions } from './callback-options';

export interface NewJob {
  readonly id: string;
  readonly queue: string;
  readonly owner: string;
  readonly settingsHash: string;
  /** Of the submit, as its client sent it. Default: that of `request`, from which plugins of Kong may have made it another. */
  readonly method?: string;
  readonly request: UpstreamRequestHead;
  /** `stored`: it has been written by `JobPayloads.writeRequest`. */
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
  /** How long record and request live while the job is open: to the end of the last possible attempt and its TTL. */
  readonly openTtlMs: number;
  readonly deleteAfterRead?: boolean;
  /** Where the job was asked for under an idempotency key. */
  readonly idempotency?: IdempotencyOptions;
  readonly callback?: CallbackOptions | undefined;
  /** Encrypts what is stored of the request; without it that lies there in clear. */
  readonly key?: EncryptionKey | undefined;
}

export const submitMethod = ({ method, request }: Pick<NewJob, 'method' | 'request'>): string =>
  method ?? request.method;

/** The length of a job's request body. */
export const requestBytes = ({ body, storedBytes = 0 }: Pick<NewJob, 'body' | 'storedBytes'>): number =>
  body === 'stored' ? storedBytes : body.length;

export interface IdempotencyOptions {
  /** Hash of caller and key: the claim that names the job. */
  readonly claimKey: string;
  readonly ttlMs: number;
  /** Made for a claim of somebody else, who can no longer take it back. */
  readonly isAdopted: boolean;
}
