// What an attempt's request carries beside its own fields where it goes through Kong again.
import { fieldValue } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { UpstreamRequestHead } from '../../http/upstream-request';
import type { JobRecord } from '../../jobs/job-record';
import { LOOPBACK_SECRET, tokenEnd, LOOPBACK_HEADER, signLoopbackToken } from '../../loopback/loopback-token';
import type { Secrets } from '../../jobs/secrets-for';
import type { JobSettings } from '../../jobs/job-settings';

/** The attempt that the marker is for. */
export interface MarkedAttempt {
  readonly record: Pick<JobRecord, 'id' | 'attempts' | 'queue'>;
  /** When it took its lease, by the clock of Redis. */
  readonly startedAt: number;
  readonly settings: Pick<JobSettings, 'connectTimeoutMs'>;
  readonly keyPrefix: string;
}

/** A new marker for each attempt; nothing where the job's route does not go through Kong. */
export function loopbackFields(
  { record, startedAt, settings, keyPrefix }: MarkedAttempt,
  { method, path: uri, headers }: UpstreamRequestHead,
  secrets: Secrets,
): HeaderField[] {
  const secret = secrets.get(LOOPBACK_SECRET);
  if (secret === undefined) {
    return [];
  }
  const host = fieldValue(headers, 'host') ?? '';
  const endsAt = tokenEnd(startedAt, settings.connectTimeoutMs);
  const marker = signLoopbackToken(
    { jobId: record.id, attempt: record.attempts, endsAt },
    { method, uri, host, keyPrefix, queue: record.queue },
    secret,
  );
  return [[LOOPBACK_HEADER, marker]];
}
