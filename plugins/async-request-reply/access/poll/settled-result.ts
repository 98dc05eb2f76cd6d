// What stands in the place of the upstream's response once a job has settled: the response, or the problem.
import { AsyncError } from '../../errors/async-error';
import { isProblemCode, PROBLEMS } from '../../errors/problem-catalog';
import { problemReply } from '../../errors/problem-reply';
import { isRenamedByExit } from '../../http/field-name';
import { byteRange, type ByteRange, type RangeRequest } from '../../http/byte-range';
import { INLINE_MAX_RESPONSE_BYTES } from '../../http/inline-limits';
import type { Reply } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';
import type { JobRecord } from '../../jobs/job-record';
import type { AccessStore } from '../../accept/access-store';
import type { StoredPayload } from '../../payloads/payload-reader';
import { takeResult } from './consume-result';
import { jobHeaders, jobFields } from '../job-headers';
import { proxyStatus } from '../proxy-status';
import { readable, readResult } from './read-result';
import { handedOffHead, isSendable, replayHead, unsendable, type ReplayHead } from './replay';
import type { RouteSettings } from '../route/route-settings';

/** What the request that is answered asks of the result. */
export interface ResultRequest {
  /** HEAD reads no result, whether it can be read once or often. */
  readonly method: string;
  /** Where the result URL was asked for a part. */
  readonly range?: RangeRequest | undefined;
  /** Asked where the answer would have to be handed off: whether it can be. Absent: wherever the route's settings say so. */
  readonly mayHandOff?: (() => Promise<boolean>) | undefined;
  /** Where the answer is on its way through nginx already: the most bytes of its head, and what is sent in place of a larger one. */
  readonly limit?: { readonly headBytes: number; readonly instead: () => Reply } | undefined;
}

/** `instead`: of a response that cannot be sent here; it stays where it is. */
interface Replay {
  readonly kind: 'replay' | 'instead';
  readonly reply: Reply;
}

/** @throws AsyncError `gone`, `already-read`, `key-missing` or `result-unreadable`. */
export async function settledResult(
  job: JobRecord,
  requested: ResultRequest,
  settings: RouteSettings,
  store: AccessStore,
): Promise<Reply> {
  if (job.state !== 'completed' || job.result === undefined) {
    return problemReply(problemOf(job), [...jobHeaders(settings, job.id), ...proxyStatus(job)]);
  }
  const { id, result } = job;
  if (job.readAt !== undefined) {
    throw alreadyRead();
  }
  const stored = await readResult(id, result, settings, store);
  if (stored === undefined) {
    throw job.deleteAfterRead
      ? alreadyRead()
      : new AsyncError('gone', { detail: 'The result of the job is gone.' });
  }
  const isDeletedAfterRead = (job.deleteAfterRead || settings.deleteAfterRead) && requested.method !== 'HEAD';
  const { kind, reply } = await replayStored(stored, job, { ...requested, isDeletedAfterRead }, settings);
  // As late as can be: from here on only the way to the client can lose it.
  if (
    isDeletedAfterRead &&
    kind === 'replay' &&
    !(await takeResult(store, job, result, !Buffer.isBuffer(reply.body)))
  ) {
    throw alreadyRead();
  }
  return reply;
}

/** The replay of a response: in memory where it is small, else as a reference to what is to be sent. */
async function replayStored(
  stored: StoredPayload<ResponseHead>,
  job: JobRecord,
  requested: ResultRequest & { readonly isDeletedAfterRead: boolean },
  settings: RouteSettings,
): Promise<Replay> {
  const { head, bytes, sha256 } = stored;
  const storedSeconds = (Date.now() - (job.settledAt ?? Date.now())) / 1000;
  // Without content it may be the answer to a HEAD, whose representation is elsewhere.
  const digest = bytes > 0 ? sha256 : undefined;
  const whole = {
    ...replayHead(head, { ours: jobFields(settings, job.id), storedSeconds, sha256: digest }),
    ...statedLength(head, requested.method),
  };
  const range: ByteRange =
    requested.range === undefined || head.status !== 200 || requested.isDeletedAfterRead
      ? { kind: 'whole' }
      : byteRange(requested.range, bytes, head.headers);
  if (range.kind === 'unsatisfiable') {
    return { kind: 'instead', reply: unsatisfiable(job, bytes, settings) };
  }
  const [start, end] = range.kind === 'part' ? [range.start, range.end] : [0, bytes - 1];
  const part = range.kind === 'part' ? partOf(whole, start, end, bytes) : whole;
  const length = end + 1 - start;
  const { limit } = requested;
  if (limit !== undefined && !fits(handedOffHead(part, length, limit.headBytes))) {
    return { kind: 'instead', reply: limit.instead() };
  }
  const streamed = await streamedHead(part, length, head, requested, settings);
  if (streamed !== undefined) {
    const { isDeletedAfterRead } = requested;
    const body = { jobId: job.id, result: job.result ?? '', start, end, isDeletedAfterRead };
    return { kind: 'replay', reply: { ...streamed, body } };
  }
  if (!isSendable(head.status)) {
    return { kind: 'instead', reply: unsendable(head.status, jobFields(settings, job.id)) };
  }
  if (length > INLINE_MAX_RESPONSE_BYTES) {
    return { kind: 'instead', reply: tooLargeHere(job, length, settings) };
  }
  const body = await readable(job.id, () => stored.body(start, end));
  // Where it cannot be handed off: what would become another field may be one of framing, caching or ours.
  const { theirs, ours, ...rest } = part;
  const headers = [...theirs, ...ours].filter(
    ([name]) => !isRenamedByExit(name) || name === settings.idHeader,
  );
  return { kind: 'replay', reply: { ...rest, headers, body } };
}

/** Kong adds nothing to an answer that it has begun to fetch. */
const fits = (head: Omit<Reply, 'body'> | undefined): boolean =>
  head !== undefined && head.presets === undefined;

/** The head of a replay that is handed off; undefined where it is not, or its head is too large for that. */
async function streamedHead(
  part: ReplayHead,
  length: number,
  head: ResponseHead,
  { mayHandOff }: ResultRequest,
  settings: RouteSettings,
): Promise<Omit<Reply, 'body'> | undefined> {
  const { handoff } = settings;
  return handoff !== undefined && takesHandoff(length, head, settings) && ((await mayHandOff?.()) ?? true)
    ? handedOffHead(part, length, handoff.maxHeadBytes)
    : undefined;
}

/** To whom does not ask by HEAD a length would announce content; a 304 has none whoever asks. */
const statedLength = ({ status, statedLength }: ResponseHead, method: string): Pick<Reply, 'statedLength'> =>
  statedLength !== undefined && (method === 'HEAD' || status === 304) ? { statedLength } : {};

/** Where the lane of short answers cannot carry the response as it is, or not well. */
const takesHandoff = (
  length: number,
  { status, headers }: ResponseHead,
  { handoff }: RouteSettings,
): boolean =>
  handoff !== undefined &&
  (handoff.responseThresholdBytes === 0 ||
    length > handoff.responseThresholdBytes ||
    !isSendable(status) ||
    headers.some(([name]) => isRenamedByExit(name)));

function unsatisfiable(job: JobRecord, bytes: number, settings: RouteSettings): Reply {
  const error = new AsyncError('range-not-satisfiable', {
    detail: `The result has ${String(bytes)} bytes.`,
  });
  return problemReply(error, [
    ...jobHeaders(settings, job.id),
    ['Content-Range', `bytes */${String(bytes)}`],
  ]);
}

/** Where nothing can be handed off: a route with no service, and a plugin server with no listener. */
function tooLargeHere(job: JobRecord, length: number, settings: RouteSettings): Reply {
  const error = new AsyncError('response-too-large', {
    detail:
      `The result has ${String(length)} bytes; where it cannot be streamed ${String(INLINE_MAX_RESPONSE_BYTES)} are carried: ` +
      'on a route with no service, and with header fields over handoff.max_head_bytes. ' +
      'It is kept: ask for parts of it (Range) at its result URL, or on a route with a service.',
  });
  return problemReply(error, jobHeaders(settings, job.id));
}

const partOf = (whole: ReplayHead, start: number, end: number, bytes: number): ReplayHead => ({
  status: 206,
  theirs: whole.theirs,
  ours: [...whole.ours, ['Content-Range', `bytes ${String(start)}-${String(end)}/${String(bytes)}`]],
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
