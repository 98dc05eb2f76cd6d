// What stands in the place of the upstream's response once a job has settled: the response, or the problem.
import { AsyncError } from '../errors/async-error';
import { isProblemCode, PROBLEMS } from '../errors/problem-catalog';
import { problemReply } from '../errors/problem-reply';
import { byteRange, type ByteRange, type RangeRequest } from '../http/byte-range';
import type { Reply } from '../http/reply';
import type { ResponseHead } from '../http/upstream-request';
import type { JobRecord } from '../jobs/job-record';
import type { AccessStore } from '../store/access-store';
import type { StoredPayload } from '../store/payload-reader';
import { consumeResult } from '../store/poll-queries';
import { answerFields, jobFields } from './our-fields';
import { proxyStatus } from './proxy-status';
import { isSendable, replayHead, unsendable } from './replay';
import type { RouteSettings } from './route-settings';

/** What the request that is answered asks of the result. */
export interface ResultRequest {
  /** HEAD reads no result, whether it can be read once or often. */
  readonly method: string;
  /** Where the result URL was asked for a part. */
  readonly range?: RangeRequest | undefined;
}

/** @throws AsyncError `gone` or `already-read`. */
export async function settledResult(
  job: JobRecord,
  asked: ResultRequest,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  if (job.state !== 'completed' || job.result === undefined) {
    return problemReply(problemOf(job), [...answerFields(settings, job.id), ...proxyStatus(job)]);
  }
  const { id, result } = job;
  if (job.readAt !== undefined) {
    throw alreadyRead();
  }
  const stored = await store.read((jobs) => jobs.readResponse(id, result));
  if (stored === undefined) {
    throw job.singleRead
      ? alreadyRead()
      : new AsyncError('gone', { detail: 'The result of the job is gone.' });
  }
  const isReadOnce = (job.singleRead || settings.singleRead) && asked.method !== 'HEAD';
  const reply = await replayStored(stored, job, { ...asked, isReadOnce }, settings);
  // As late as can be: from here on only the way to the client can lose it.
  if (
    isReadOnce &&
    !(await store.ask((redis, prefix) =>
      consumeResult(redis, prefix, id, result, !Buffer.isBuffer(reply.body)),
    ))
  ) {
    throw alreadyRead();
  }
  return reply;
}

/** The replay of a response: in memory where it is small, else as a reference to what is to be sent. */
async function replayStored(
  stored: StoredPayload<ResponseHead>,
  job: JobRecord,
  asked: ResultRequest & { readonly isReadOnce: boolean },
  settings: RouteSettings,
): Promise<Reply> {
  const { head, bytes, sha256 } = stored;
  const ours = jobFields(settings, job.id);
  if (settings.handoff === undefined && !isSendable(head.status)) {
    return unsendable(head.status, ours);
  }
  const storedSeconds = (Date.now() - (job.settledAt ?? Date.now())) / 1000;
  // Without content it may be the answer to a HEAD, whose representation is elsewhere.
  const whole = replayHead(head, { ours, storedSeconds, sha256: bytes > 0 ? sha256 : undefined });
  const range: ByteRange =
    asked.range === undefined || head.status !== 200 || asked.isReadOnce
      ? { kind: 'whole' }
      : byteRange(asked.range, bytes, head.headers);
  if (range.kind === 'unsatisfiable') {
    const error = new AsyncError('range-not-satisfiable', {
      detail: `The result has ${String(bytes)} bytes.`,
    });
    return problemReply(error, [
      ...answerFields(settings, job.id),
      ['Content-Range', `bytes */${String(bytes)}`],
    ]);
  }
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, bytes - 1];
  const part = range.kind === 'part' ? partOf(whole, start, end, bytes) : whole;
  const { handoff } = settings;
  const isLarge =
    handoff !== undefined &&
    (handoff.responseOverBytes === 0 ||
      end + 1 - start > handoff.responseOverBytes ||
      !isSendable(head.status));
  return {
    ...part,
    body: isLarge
      ? { jobId: job.id, result: job.result ?? '', start, end, isReadOnce: asked.isReadOnce }
      : await stored.body(start, end),
  };
}

const partOf = (
  whole: Omit<Reply, 'body'>,
  start: number,
  end: number,
  bytes: number,
): Omit<Reply, 'body'> => ({
  status: 206,
  headers: [...whole.headers, ['Content-Range', `bytes ${String(start)}-${String(end)}/${String(bytes)}`]],
});

const alreadyRead = (): AsyncError =>
  new AsyncError('already-read', { detail: 'The result could be read once, and it has been read.' });

function problemOf(job: JobRecord): AsyncError {
  if (job.state === 'cancelled') {
    return new AsyncError('cancelled', { detail: 'The job was cancelled before it had a response.' });
  }
  const code = job.error?.code ?? '';
  const known = isProblemCode(code) && PROBLEMS[code].status >= 502 ? code : 'upstream-failed';
  return new AsyncError(known, { detail: job.error?.detail ?? 'The upstream gave no response.' });
}
