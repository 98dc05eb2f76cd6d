// The reply for a settled job, in place of the upstream's response: that response, or a problem.
import { AsyncError } from '../../errors/async-error';
import { isProblemCode, PROBLEMS } from '../../errors/problem-catalog';
import { problemReply } from '../../errors/problem-reply';
import { isRenamedByExit } from '../../http/field-name';
import { byteRange, type ByteRange, type RangeRequest } from '../../http/byte-range';
import { INLINE_MAX_RESPONSE_BYTES } from '../../http/inline-limits';
import type { Reply } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';
import type { JobRecord } from '../../jobs/job-record';
import type { StoredPayload } from '../../payloads/payload-reader';
import type { RouteContext } from '../access-context';
import { jobFields, jobHeaders, proxyStatus } from '../replies';
import type { RouteSettings } from '../route/route-settings';
import { takeResult } from './consume-result';
import { readable, readResult } from './read-result';
import { handedOffHead, isSendable, replayHead, unsendable, type ReplayHead } from './replay';

/** What the request asks of the result. */
interface ResultRequest {
  /** HEAD does not count as a read of the result. */
  readonly method: string;
  /** The part that is requested, at the result URL. */
  readonly range?: RangeRequest | undefined;
  /** Whether the reply can take the handoff path; called if it would have to. Absent: wherever the settings of the route allow it. */
  readonly mayHandOff?: (() => Promise<boolean>) | undefined;
  /** For a reply that already goes through nginx: the size limit of its head, and the reply to send instead of a larger one. */
  readonly limit?: { readonly headBytes: number; readonly instead: () => Reply } | undefined;
}

/** `instead`: the response cannot be sent here, and stays stored. */
interface Replay {
  readonly kind: 'replay' | 'instead';
  readonly reply: Reply;
}

/** @throws AsyncError `gone`, `already-read`, `key-missing` or `result-unreadable`. */
export async function settledResult(
  { settings, store }: RouteContext,
  job: JobRecord,
  requested: ResultRequest,
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
      : new AsyncError('gone', { detail: 'The result of the job has been deleted.' });
  }
  const isDeletedAfterRead = (job.deleteAfterRead || settings.deleteAfterRead) && requested.method !== 'HEAD';
  const { kind, reply } = await replayStored({ stored, job, settings, requested, isDeletedAfterRead });
  // As late as possible: after this the result can only be lost on its way to the client.
  if (
    isDeletedAfterRead &&
    kind === 'replay' &&
    !(await takeResult(store, job, result, !Buffer.isBuffer(reply.body)))
  ) {
    throw alreadyRead();
  }
  return reply;
}

interface StoredResult {
  readonly stored: StoredPayload<ResponseHead>;
  readonly job: JobRecord;
  readonly settings: RouteSettings;
  readonly requested: ResultRequest;
  readonly isDeletedAfterRead: boolean;
}

/** The replay of a response: in memory if it is small, else as a reference to the stored body. */
async function replayStored(result: StoredResult): Promise<Replay> {
  const { stored, job, settings, requested, isDeletedAfterRead } = result;
  const { head, bytes } = stored;
  const whole = wholeHead(result);
  const range: ByteRange =
    requested.range === undefined || head.status !== 200 || isDeletedAfterRead
      ? { kind: 'whole' }
      : byteRange(requested.range, bytes, head.headers);
  if (range.kind === 'unsatisfiable') {
    return { kind: 'instead', reply: unsatisfiable(job, bytes, settings) };
  }
  const { start, end } = range.kind === 'part' ? range : { start: 0, end: bytes - 1 };
  const part = range.kind === 'part' ? partOf(whole, start, end, bytes) : whole;
  const length = end + 1 - start;
  const { limit } = requested;
  if (limit !== undefined && !fits(handedOffHead(part, length, limit.headBytes))) {
    return { kind: 'instead', reply: limit.instead() };
  }
  const streamed = await streamedHead(part, length, result);
  if (streamed !== undefined) {
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
  // On the inline path Kong would rename these fields, perhaps to the name of a field of framing, of caching, or of the plugin.
  const { theirs, ours, ...rest } = part;
  const headers = [...theirs, ...ours].filter(
    ([name]) => !isRenamedByExit(name) || name === settings.idHeader,
  );
  return { kind: 'replay', reply: { ...rest, headers, body } };
}

/** The head of the replay of the whole response. */
function wholeHead({ stored, job, settings, requested }: StoredResult): ReplayHead {
  const { head, bytes, sha256 } = stored;
  const options = {
    ours: jobFields(settings, job.id),
    storedSeconds: (Date.now() - (job.settledAt ?? Date.now())) / 1000,
    // A response without content may answer a HEAD, and its representation is elsewhere.
    sha256: bytes > 0 ? sha256 : undefined,
  };
  return { ...replayHead(head, options), ...statedLength(head, requested.method) };
}

/** Kong can add no fields to a reply that nginx has begun to fetch. */
const fits = (head: Omit<Reply, 'body'> | undefined): boolean =>
  head !== undefined && head.presets === undefined;

/** The head of a replay on the handoff path; undefined if the replay takes the inline path, or its head is too large. */
async function streamedHead(
  part: ReplayHead,
  length: number,
  { stored, settings, requested }: StoredResult,
): Promise<Omit<Reply, 'body'> | undefined> {
  const { handoff } = settings;
  return handoff !== undefined &&
    takesHandoff(length, stored.head, settings) &&
    ((await requested.mayHandOff?.()) ?? true)
    ? handedOffHead(part, length, handoff.maxHeadBytes)
    : undefined;
}

/** Only the reply to a HEAD may state a length without having content, and a 304. */
const statedLength = ({ status, statedLength }: ResponseHead, method: string): Pick<Reply, 'statedLength'> =>
  statedLength !== undefined && (method === 'HEAD' || status === 304) ? { statedLength } : {};

/** Whether the inline path cannot carry the response unchanged, or only at a high cost. */
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

/** Without the handoff path, a large result cannot be sent: on a route with no service, or without a handoff listener. */
function tooLargeHere(job: JobRecord, length: number, settings: RouteSettings): Reply {
  const error = new AsyncError('response-too-large', {
    detail:
      `The result has ${String(length)} bytes. At most ${String(INLINE_MAX_RESPONSE_BYTES)} bytes can be sent without streaming, ` +
      'which is the case on a route with no service and for header fields over handoff.max_head_bytes. ' +
      'The result is kept: request parts of it (Range) at its result URL, or poll on a route with a service.',
  });
  return problemReply(error, jobHeaders(settings, job.id));
}

const partOf = (whole: ReplayHead, start: number, end: number, bytes: number): ReplayHead => ({
  status: 206,
  theirs: whole.theirs,
  ours: [...whole.ours, ['Content-Range', `bytes ${String(start)}-${String(end)}/${String(bytes)}`]],
});

const alreadyRead = (): AsyncError =>
  new AsyncError('already-read', { detail: 'The result can be read once, and it has already been read.' });

function problemOf(job: JobRecord): AsyncError {
  if (job.state === 'cancelled') {
    return new AsyncError('cancelled', { detail: 'The job was cancelled before it had a response.' });
  }
  const code = job.error?.code ?? '';
  const known = isProblemCode(code) && PROBLEMS[code].status >= 502 ? code : 'upstream-failed';
  return new AsyncError(known, { detail: job.error?.detail ?? 'The upstream did not respond.' });
}
