// Replays a stored response: what the upstream sent, plus what a stored copy owes to caches on the way.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import { foldFieldName } from '../../http/field-name';
import { headBytes } from '../../http/head-size';
import { splitList } from '../../http/list';
import { OWN_ANSWER_FIELDS, type HeaderField, type Reply } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';

/** nginx hangs up on the client, without an answer, where a plugin exits with one of these (ngx_http_lua_handle_exit). */
const UNSENDABLE_STATUSES: ReadonlySet<number> = new Set([408, 444, 499]);

/** Directives that a shared cache would act on (RFC 9111, 5.2.2); with `private` they are moot or worse. */
const SHARED_DIRECTIVES = /^(public|s-maxage|proxy-revalidate)\b/i;

/** At least `private`: the answer depends on a header and on who asks. */
export function privateCacheControl(values: readonly string[]): string {
  const directives = values.flatMap(splitList);
  if (directives.some((directive) => /^(no-store|private)$/i.test(directive))) {
    return directives.join(', ');
  }
  const kept = directives.filter(
    (directive) => !SHARED_DIRECTIVES.test(directive) && !/^private\s*=/i.test(directive),
  );
  return ['private', ...kept].join(', ');
}

const named = (headers: readonly HeaderField[], name: string): string[] =>
  headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value);

/** Seconds that the response is old: what it was when it arrived, and what it has lain here (RFC 9111, 4.2.3). */
function age(head: ResponseHead, storedSeconds: number): number {
  const arrived = Number(named(head.headers, 'age')[0] ?? 0);
  return (
    (Number.isSafeInteger(arrived) && arrived > 0 ? arrived : 0) + Math.max(0, Math.floor(storedSeconds))
  );
}

/** What a replay has to know beside the stored response. */
export interface ReplayOptions {
  /** The fields that every answer about a job carries. */
  readonly ours: readonly HeaderField[];
  /** How long ago the response was stored. */
  readonly storedSeconds: number;
  /** SHA-256 of the stored body, in base64. */
  readonly sha256: string | undefined;
}

/** The head of a replay: what the upstream sent, and what is added to it or replaces it. */
export interface ReplayHead extends Pick<Reply, 'statedLength'> {
  readonly status: number;
  readonly theirs: readonly HeaderField[];
  readonly ours: readonly HeaderField[];
}

/** Status and header fields of the replay of a stored response. */
export function replayHead(head: ResponseHead, { ours, storedSeconds, sha256 }: ReplayOptions): ReplayHead {
  const replaced = new Set(['age', 'cache-control', ...ours.map(([name]) => foldFieldName(name))]);
  replaced.delete('vary');
  return {
    status: head.status,
    theirs: head.headers.filter(([name]) => !replaced.has(foldFieldName(name))),
    ours: [
      ['Cache-Control', privateCacheControl(named(head.headers, 'cache-control'))],
      ['Age', String(age(head, storedSeconds))],
      ...digestField(head, sha256),
      ...ours,
    ],
  };
}

/**
 * The head of a replay that goes through nginx, which takes so many bytes of it. Where ours are too many, Kong adds them.
 *
 * @param length of the body.
 * @returns undefined where the upstream's fields alone are too many.
 */
export function handedOffHead(
  { status, theirs, ours, ...rest }: ReplayHead,
  length: number,
  maxBytes: number,
): Omit<Reply, 'body'> | undefined {
  const framing = ['Content-Length', String(length)] as const;
  if (headBytes(status, [...theirs, ...ours, framing]) <= maxBytes) {
    return { status, headers: [...theirs, ...ours], ...rest };
  }
  return headBytes(status, [...theirs, framing]) <= maxBytes
    ? { status, headers: theirs, presets: ours, ...rest }
    : undefined;
}

/** Statuses whose content, if any, is not the whole of a representation. */
const WITHOUT_REPRESENTATION: ReadonlySet<number> = new Set([204, 206, 304]);

/** RFC 9530, unless the upstream has sent its own. */
function digestField(head: ResponseHead, sha256: string | undefined): HeaderField[] {
  return sha256 === undefined ||
    WITHOUT_REPRESENTATION.has(head.status) ||
    named(head.headers, 'repr-digest').length > 0
    ? []
    : [['Repr-Digest', `sha-256=:${sha256}:`]];
}

/** Whether the lane of short answers can send the status. */
export const isSendable = (status: number): boolean => !UNSENDABLE_STATUSES.has(status);

/** A problem (502) in place of a response whose status cannot be sent. */
export function unsendable(status: number, ours: readonly HeaderField[]): Reply {
  const error = new AsyncError('bad-response', {
    detail: `The upstream answered with status ${String(status)}, which Kong cannot send.`,
  });
  return problemReply(error, [
    ...ours,
    ...OWN_ANSWER_FIELDS,
    ['Proxy-Status', `async-request-reply; received-status=${String(status)}`],
  ]);
}
