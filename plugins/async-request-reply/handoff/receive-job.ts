// Makes a job of an upload that was handed off. nginx sends GET, PUT and DELETE again where we hang up: whatever comes
// with a note that has made a job finds that job.
import type { IncomingMessage } from 'node:http';
import { AsyncError } from '../errors/async-error';
import { answerAccepted } from '../access/submit/answer-accepted';
import { acceptJob } from '../access/submit/accept-job';
import { jobLinks } from '../access/job-links';
import { RequestDigest } from '../access/submit/request-digest';
import type { Reply } from '../http/reply';
import type { StreamingCommand } from './streaming-command';
import type { HandoffTarget } from './target';
import { uploadBody } from './upload-body';

type Accept = Extract<StreamingCommand, { kind: 'accept' }>;

export class JobReceiver {
  /** What is being received, by job ID: a second request with the same note waits for the first. */
  readonly #receiving = new Map<string, Promise<unknown>>();

  /** @throws AsyncError, and UploadAbortedError where the sender hung up. */
  async receive(submission: Accept, target: HandoffTarget, request: IncomingMessage): Promise<Reply> {
    const { id } = submission.job;
    for (let first = this.#receiving.get(id); first !== undefined; first = this.#receiving.get(id)) {
      await first.catch(() => undefined);
    }
    const receiving = receive(submission, target, request);
    this.#receiving.set(id, receiving);
    try {
      return await receiving;
    } finally {
      this.#receiving.delete(id);
    }
  }
}

async function receive(submission: Accept, target: HandoffTarget, request: IncomingMessage): Promise<Reply> {
  const { settings, store } = target;
  const { id } = submission.job;
  const { record: before, rejection: refusal } = await store.uploads.expect(
    submission.job,
    submission.admission.maxWaiting,
  );
  if (before !== undefined) {
    const { isPollable, line, preferences } = submission;
    const links = isPollable ? jobLinks(id, line, settings) : undefined;
    return answerAccepted(
      { job: before, links, preferences, method: line.method, isHandedOff: true },
      settings,
      store,
    );
  }
  // A repeat needs no place, and whether it is one only its body tells.
  if (refusal !== undefined && submission.key === undefined) {
    throw refusal;
  }
  const digest = submission.key && new RequestDigest(submission.line);
  const upload = {
    body: uploadBody(request, digest),
    length: lengthOf(request),
    maxBytes: settings.maxRequestBytes,
  };
  const sent = { ...submission.job, key: settings.keys.first };
  const job = await store.uploads.receive(sent, upload, submission.admission);
  try {
    return await acceptJob({ ...submission, job }, digest?.digest(), settings, store);
  } catch (error) {
    if (error instanceof AsyncError && isRejection(error)) {
      await store.uploads.discard(submission.job).catch(() => undefined);
    }
    throw error;
  }
}

/** Node.js lets no request through whose length is no number. */
const lengthOf = ({ headers }: IncomingMessage): number | undefined =>
  headers['content-length'] === undefined ? undefined : Number(headers['content-length']);

/** Not those after which the job may be there all the same: they take it back with its request. */
const isRejection = (error: AsyncError): boolean =>
  error.status < 500 || error.code === 'queue-full' || error.code === 'store-full';
