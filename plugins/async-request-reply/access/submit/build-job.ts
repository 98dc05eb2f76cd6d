// Builds the job that a request asks for from the settings of its route. Needs nothing more from Kong.
import { fieldValues } from '../../http/fields';
import { preferencesOf } from '../../http/prefer';
import type { HeaderField } from '../../http/reply';
import type { UpstreamRequestHead } from '../../http/upstream-request';
import { isRepeatable } from '../../jobs/repeatable';
import type { NewJob } from '../../jobs/new-job';
import type { MatchedRoute, RequestLine } from '../gateway-request';
import { jobLinks } from '../job-links';
import type { OwnerTag } from '../owner';
import { callbackOptions } from '../route/callback-settings';
import { jobLifeMs, queueByEntity, type RouteSettings } from '../route/route-settings';
import type { Submission } from './accept-job';
import type { RequestedSchedule } from './schedule-headers';

/** What was read of a request that is to become a job. */
interface ReadRequest extends Pick<Submission, 'isPollable' | 'key'> {
  readonly id: string;
  readonly owner: OwnerTag;
  readonly headers: readonly HeaderField[];
  readonly line: RequestLine;
  readonly matched: MatchedRoute;
  readonly head: UpstreamRequestHead;
  readonly body: NewJob['body'];
  /** By the header fields that the route allows for it. */
  readonly requested: RequestedSchedule;
}

export function buildJob(read: ReadRequest, settings: RouteSettings): Submission {
  const { id, headers, line, matched, head, isPollable, key, requested } = read;
  const { method, uri, prefix } = line;
  // Without the prefix: the receiver of the callback resolves them against callback.base_url.
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
    preferences: preferencesOf(fieldValues(headers, 'prefer')),
  };
}
