// What a request asks for, as a job on the terms of its route: no more is asked of Kong after it.
import { preferencesOf } from '../../http/prefer';
import type { HeaderField } from '../../http/reply';
import type { UpstreamRequestHead } from '../../http/upstream-request';
import { isRepeatable } from '../../jobs/repeatable';
import type { NewJob } from '../../jobs/new-job';
import type { Submission } from './accept-job';
import { callbackOptions } from '../route/callback-settings';
import type { MatchedRoute, RequestLine } from '../gateway-request';
import { jobLinks } from '../job-links';
import type { OwnerTag } from '../owner';
import { jobLifeMs, queueByEntity, type RouteSettings } from '../route/route-settings';
import type { RequestedSchedule } from './schedule-headers';

/** What has been read of a request that is to become a job. */
export interface ReadRequest extends Pick<Submission, 'isPollable' | 'key'> {
  readonly id: string;
  readonly owner: OwnerTag;
  readonly headers: readonly HeaderField[];
  readonly line: RequestLine;
  readonly matched: MatchedRoute;
  readonly head: UpstreamRequestHead;
  readonly body: NewJob['body'];
  /** By the headers that the route heeds. */
  readonly requested: RequestedSchedule;
}

/** The job, on the terms of its route. */
export function buildJob(read: ReadRequest, settings: RouteSettings): Submission {
  const { id, headers, line, matched, head, isPollable, key, requested: requested } = read;
  const { method, uri, prefix } = line;
  // For a receiver elsewhere, who has them under callback.base_url.
  const links = isPollable ? jobLinks(id, { uri, prefix: '' }, settings) : undefined;
  return {
    job: {
      id,
      queue: settings.queueName ?? queueByEntity(matched),
      owner: read.owner,
      method,
      request: head,
      body: read.body,
      repeatable: isRepeatable(head, settings.idempotency.header, settings.retry.unsafe_methods),
      maxAttempts: settings.retry.attempts,
      delayMs: requested.delayMs,
      deadlineMs: settings.deadlineMs,
      resultTtlMs: settings.resultTtlMs,
      openTtlMs: jobLifeMs(settings),
      deleteAfterRead: settings.deleteAfterRead,
      callback: callbackOptions(headers, links, settings.callback),
    },
    admission: {
      priority: requested.priority,
      maxWaiting: settings.queue.max_waiting,
      maxPerCaller: settings.queue.max_per_caller,
      maxStoredBytes: settings.queue.max_stored_bytes,
      minReplicas: settings.minReplicas,
    },
    line: { method, uri, prefix },
    isPollable,
    key,
    tlsVerify: matched.tlsVerify,
    service: settings.queueName === undefined ? matched.entityName : undefined,
    preferences: preferencesOf(headers.filter(([name]) => name === 'prefer').map(([, value]) => value)),
  };
}
