import { createHash } from 'node:crypto';
import type { HttpResponse } from '../http-client';
import { byLane } from '../lane';
import type { Stack } from '../stack';
import type { Answer } from '../upstream/answers';
import { send, sendDirect, sendQueued, type QueuedPassage, type WireRequest } from './lanes';
import { changed, requestView, responseView, type Changes } from './views';

/** What docs/http.md, "Replay", adds to every replay, and Kong's own Via, which it gives to what it proxies alone. */
const REPLAY_CHANGES: Changes = {
  via: byLane<null | undefined>(null, undefined),
  age: [expect.stringMatching(/^\d$/)],
  'cache-control': ['private'],
  vary: ['X-Async-Kong-Id, Prefer'],
};

/**
 * Sends a request on both routes and expects the upstream to have got the same, but for the job's ID and these changes.
 * @param pollPath a path of the route with the plugin
 */
export async function expectSameRequest(
  stack: Stack,
  request: WireRequest,
  pollPath: string,
  changes: Changes = {},
): Promise<QueuedPassage> {
  const direct = requestView(await sendDirect(stack, request));
  const queued = await sendQueued(stack, request, pollPath);
  const fields = changed(direct.fields, { 'x-async-kong-id': [queued.id], ...changes });
  expect(requestView(queued)).toEqual({ ...direct, fields });
  return queued;
}

/**
 * Has the upstream give the same answer on both routes and expects the replay to be what Kong proxies, but for the
 * fields that every replay has and these changes.
 * @param path a path of both routes
 */
export async function expectSameReplay(
  stack: Stack,
  path: string,
  answer: Answer,
  changes: Changes = {},
): Promise<QueuedPassage> {
  stack.upstream.script(path, answer);
  const direct = responseView((await sendDirect(stack, { target: path })).answer);
  const queued = await sendQueued(stack, { target: path }, path);
  const fields = changed(direct.fields, {
    ...REPLAY_CHANGES,
    ...digestOf(queued.replay, direct.fields),
    'x-async-kong-id': [queued.id],
    ...changes,
  });
  expect(responseView(queued.replay)).toEqual({ ...direct, fields });
  return queued;
}

/** A replay says the digest of its content (RFC 9530), unless the upstream did, or what there is is not the whole. */
function digestOf({ status, body }: HttpResponse, direct: Readonly<Record<string, unknown>>): Changes {
  const isWhole = body.length > 0 && ![204, 206, 304].includes(status) && direct['repr-digest'] === undefined;
  const digest = createHash('sha256').update(body).digest('base64');
  return isWhole ? { 'repr-digest': [`sha-256=:${digest}:`] } : {};
}

/** Expects both routes to refuse a request with that status, and the upstream to hear of neither. */
export async function expectRefusedAlike(stack: Stack, request: WireRequest, status: number): Promise<void> {
  const before = stack.upstream.requests.length;
  const direct = await send(stack, request, 'direct');
  const queued = await send(stack, request, 'queued');
  expect([direct.status, queued.status]).toEqual([status, status]);
  expect(stack.upstream.requests.slice(before)).toEqual([]);
}
