// A job as a submit has described it, whichever lane its body comes by: accepted, and answered.
import { AsyncError } from '../../errors/async-error';
import { KnownJobError } from '../../errors/known-job-error';
import type { Preferences } from '../../http/prefer';
import type { Reply } from '../../http/reply';
import type { AccessStore, Acceptance } from '../../accept/access-store';
import type { Claim } from '../../queue/idempotency-store';
import type { Admission } from '../../accept/job-writer';
import type { NewJob } from '../../jobs/new-job';
import { answerAccepted } from './answer-accepted';
import type { RequestLine } from '../gateway-request';
import { claimOf, type AddressedKey } from './idempotency';
import { jobLinks } from '../job-links';
import { queuedRecord } from './queued-record';
import { jobSettings, type RouteSettings } from '../route/route-settings';

export interface Submission {
  readonly job: Omit<NewJob, 'settingsHash' | 'key'>;
  readonly admission: Admission;
  /** Of the submit. */
  readonly line: Pick<RequestLine, 'method' | 'uri' | 'prefix'>;
  /** Whether the job has addresses that a client can be told. */
  readonly isPollable: boolean;
  readonly preferences: Preferences;
  readonly key: AddressedKey | undefined;
  /** What the service says of its certificate. */
  readonly tlsVerify: boolean;
  /** What Kong calls the entity whose ID is the queue's name. */
  readonly service?: string | undefined;
}

/**
 * @param digest of the request ({@link RequestDigest}), where it came under an idempotency key.
 * @throws SubmitError where the job was not accepted.
 */
export async function acceptJob(
  submission: Submission,
  digest: string | undefined,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  const { admission, isPollable, key, line, preferences } = submission;
  const named = jobSettings(settings, submission.job.queue, submission);
  const job: NewJob = { ...submission.job, settingsHash: named.hash, key: settings.keys.first };
  const claim = key && claimOf(key, job.owner, digest ?? '', settings.idempotency);
  const acceptance = await acceptOrThrow(store, job, named, admission, claim);
  if (acceptance.kind === 'repeat' && job.body === 'stored' && acceptance.record.id !== job.id) {
    // The job that there is has a body of its own.
    await store.uploads.discard(job).catch(() => undefined);
  }
  const record =
    acceptance.kind === 'repeat'
      ? acceptance.record
      : queuedRecord({ ...job, id: acceptance.id }, acceptance);
  const links = isPollable ? jobLinks(record.id, line, settings) : undefined;
  return answerAccepted(
    { job: record, links, preferences, method: line.method, isHandedOff: job.body === 'stored' },
    settings,
    store,
  );
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
    throw error instanceof AsyncError ? new SubmitError(error, job.id) : error;
  }
}

/** A refusal after the ID was minted: the answer carries it. */
export class SubmitError extends KnownJobError {}
