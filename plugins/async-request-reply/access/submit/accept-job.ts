// Accepts the job that a submit describes, whichever path its body takes, and answers for it.
import { AsyncError } from '../../errors/async-error';
import type { Preferences } from '../../http/prefer';
import type { Reply } from '../../http/reply';
import type { AccessStore } from '../../accept/access-store';
import type { Acceptance } from '../../accept/job-acceptor';
import type { Claim } from '../../queue/idempotency-store';
import type { Admission } from '../../accept/write-job';
import type { NewJob } from '../../jobs/new-job';
import type { RouteContext } from '../access-context';
import type { RequestLine } from '../gateway-request';
import { jobLinks } from '../job-links';
import { jobSettings } from '../route/route-settings';
import { answerAccepted } from './answer-accepted';
import { claimOf, type AddressedKey } from './idempotency';
import { queuedRecord } from './queued-record';

export interface Submission {
  readonly job: Omit<NewJob, 'settingsHash' | 'key'>;
  readonly admission: Admission;
  /** Of the submit. */
  readonly line: Pick<RequestLine, 'method' | 'uri' | 'prefix'>;
  /** Whether the job has addresses that the client can poll. */
  readonly isPollable: boolean;
  readonly preferences: Preferences;
  readonly key: AddressedKey | undefined;
  /** The setting of Kong's service. */
  readonly tlsVerify: boolean;
  /** The name in Kong of the entity whose ID names the queue. */
  readonly service?: string | undefined;
}

/**
 * @param digest of the request ({@link RequestDigest}), if it came with an idempotency key.
 * @throws AsyncError if the job was not accepted: with the job ID, unless the request itself is at fault.
 */
export async function acceptJob(
  context: RouteContext,
  submission: Submission,
  digest: string | undefined,
): Promise<Reply> {
  const { settings, store } = context;
  const { admission, isPollable, key, line, preferences } = submission;
  const named = jobSettings(settings, submission.job.queue, submission);
  const job: NewJob = { ...submission.job, settingsHash: named.hash, key: settings.keys.first };
  const { ttlMs } = settings.idempotency;
  const claim = key && claimOf(key, { owner: job.owner, digest: digest ?? '', ttlMs });
  const acceptance = await acceptOrThrow(store, job, named, admission, claim);
  if (acceptance.kind === 'repeat' && job.body === 'stored' && acceptance.record.id !== job.id) {
    // The earlier job has a body of its own.
    await store.uploads.discard(job).catch(() => undefined);
  }
  const record =
    acceptance.kind === 'repeat'
      ? acceptance.record
      : queuedRecord({ ...job, id: acceptance.id }, acceptance);
  return answerAccepted(context, {
    job: record,
    links: isPollable ? jobLinks(record.id, line, settings) : undefined,
    preferences,
    method: line.method,
    isHandedOff: job.body === 'stored',
  });
}

async function acceptOrThrow(
  store: AccessStore,
  job: NewJob,
  named: ReturnType<typeof jobSettings>,
  admission: Admission,
  claim: Claim | undefined,
): Promise<Acceptance> {
  try {
    return await store.accept(job, named, admission, claim);
  } catch (error) {
    if (error instanceof AsyncError && error.status < 429) {
      throw error;
    }
    // The ID lets an operator follow what became of it; the job itself is cancelled once Redis is back.
    throw error instanceof AsyncError ? error.withJobId(job.id) : error;
  }
}
