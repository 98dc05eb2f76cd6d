// Replays a stored response: what the upstream sent, and the fields that caches on the way need for a stored copy.
import { AsyncError } from '../../errors/async-error';
import { problemReply } from '../../errors/problem-reply';
import { foldFieldName } from '../../http/field-name';
import { fieldValue, fieldValues } from '../../http/fields';
import { headBytes } from '../../http/head-size';
import { splitList } from '../../http/list';
import { OWN_ANSWER_FIELDS, type HeaderField, type Reply } from '../../http/reply';
import type { ResponseHead } from '../../http/upstream-request';

/** If a plugin exits with one of these, nginx closes the connection without a reply (ngx_http_lua_handle_exit). */
const UNSENDABLE_STATUSES: ReadonlySet<number> = new Set([408, 444, 499]);

/** Directives for shared caches (RFC 9111, 5.2.2): with `private` they are useless or harmful. */
const SHARED_DIRECTIVES = /^(public|s-maxage|proxy-revalidate)\b/i;

/** At least `private`: the reply depends on a header and on the caller. */
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

/** The age of the response in seconds: its age when it arrived, and the time since it was stored (RFC 9111, 4.2.3). */
function age(head: ResponseHead, storedSeconds: number): number {
  const arrived = Number(fieldValue(head.headers, 'age') ?? 0);
  return (
    (Number.isSafeInteger(arrived) && arrived > 0 ? arrived : 0) + Math.max(0, Math.floor(storedSeconds))
  );
}

/** What a replay needs beside the stored response. */
interface ReplayOptions {
  /** The fields that every reply about a job has. */
  readonly ours: readonly HeaderField[];
  /** How long ago the response was stored. */
  readonly storedSeconds: number;
  /** SHA-256 of the stored body, in base64. */
  readonly sha256: string | undefined;
}

/** The head of a replay: the upstream's fields (`theirs`), and those that the plugin adds or puts in their place (`ours`). */
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
      ['Cache-Control', privateCacheControl(fieldValues(head.headers, 'cache-control'))],
      ['Age', String(age(head, storedSeconds))],
      ...digestField(head, sha256),
      ...ours,
    ],
  };
}

/**
 * The head of a replay on the handoff path. If all fields together exceed the limit, Kong adds the plugin's own (`presets`).
 *
 * @param length of the body.
 * @param maxBytes the largest header section that nginx accepts from the listener.
 * @returns undefined if the upstream's fields alone exceed the limit.
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

/** `Repr-Digest` (RFC 9530), unless the upstream has sent its own. */
function digestField(head: ResponseHead, sha256: string | undefined): HeaderField[] {
  return sha256 === undefined ||
    WITHOUT_REPRESENTATION.has(head.status) ||
    fieldValue(head.headers, 'repr-digest') !== undefined
    ? []
    : [['Repr-Digest', `sha-256=:${sha256}:`]];
}

/** Whether the inline path can send the status. */
export const isSendable = (status: number): boolean => !UNSENDABLE_STATUSES.has(status);

/** The problem (502) in place of a response whose status cannot be sent. */
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
