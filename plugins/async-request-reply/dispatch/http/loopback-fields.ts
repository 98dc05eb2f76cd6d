// The field that an attempt's request carries beside its own if it goes through Kong again.
import { fieldValue } from '../../http/fields';
import type { HeaderField } from '../../http/reply';
import type { UpstreamRequestHead } from '../../http/upstream-request';
import type { JobRecord } from '../../jobs/job-record';
import type { JobSettings } from '../../jobs/job-settings';
import type { Secrets } from '../../jobs/secrets-for';
import { LOOPBACK_HEADER, LOOPBACK_SECRET, signLoopbackToken, tokenEnd } from '../../loopback/loopback-token';

/** The attempt that the token is for. */
interface LoopbackAttempt {
  readonly record: Pick<JobRecord, 'id' | 'attempts' | 'queue'>;
  /** When it took its lease, by the clock of Redis. */
  readonly startedAt: number;
  readonly settings: Pick<JobSettings, 'connectTimeoutMs'>;
  readonly keyPrefix: string;
}

/** Returns a new loopback token; nothing if the job's route does not go through Kong again. */
export function loopbackFields(
  { record, startedAt, settings, keyPrefix }: LoopbackAttempt,
  { method, path: uri, headers }: UpstreamRequestHead,
  secrets: Secrets,
): HeaderField[] {
  const secret = secrets.get(LOOPBACK_SECRET);
  if (secret === undefined) {
    return [];
  }
  const host = fieldValue(headers, 'host') ?? '';
  const endsAt = tokenEnd(startedAt, settings.connectTimeoutMs);
  const token = signLoopbackToken(
    { jobId: record.id, attempt: record.attempts, endsAt },
    { method, uri, host, keyPrefix, queue: record.queue },
    secret,
  );
  return [[LOOPBACK_HEADER, token]];
}
