// `show`: shows one job and the sizes of its payloads. Of the request it shows the method, the path without the query
// (queries carry keys and tokens) and the address; of an encrypted request it shows the fingerprint of its key.
import type { UpstreamRequestHead } from '../../plugins/async-request-reply/http/upstream-request';
import { toUriHost } from '../../plugins/async-request-reply/http/uri-host';
import { unpackMeta } from '../../plugins/async-request-reply/payloads/payload';
import { isSealed, keyIdOf } from '../../plugins/async-request-reply/payloads/payload-cipher';
import type { AdminContext } from './admin-context';
import { jobJson, resolveJobId, shownIdInTable } from './job-view';
import { serviceOf } from './queue-text';
import { notFound, type Report } from './report';
import { findJob } from './select-jobs';
import { pairs } from './table';

export async function showJob(context: AdminContext, text: string, fullIds: boolean): Promise<Report> {
  const { redis, keys } = context;
  const id = await resolveJobId(context, text);
  const job = await findJob(context, id);
  if (job === undefined) {
    throw notFound('No such job.');
  }
  const { record } = job;
  const [request, service, responseBytes, lists, scheduler] = await Promise.all([
    requestSummary(context, id),
    serviceOf(context, record.queue),
    record.result === undefined
      ? undefined
      : bodyBytes(redis, keys.response(id, record.result), record.resultBytes),
    context.index.membership(record.queue, id),
    context.scheduler(record.queue).getJobState(id),
  ]);
  const json = {
    ...jobJson(job, fullIds),
    service,
    run_ms: elapsed(record.startedAt, record.settledAt),
    wait_ms: elapsed(record.createdAt, record.startedAt),
    request,
    response_body_bytes: responseBytes,
    settings: record.settingsHash,
    lists,
    scheduler,
  };
  const idText = shownIdInTable(id, record.owner, fullIds);
  return { exitCode: 0, json, text: () => pairs(lines({ ...json, id: idText })) };
}

const elapsed = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : to - from;

async function requestSummary({ redis, keys }: AdminContext, id: string): Promise<object | undefined> {
  const key = keys.request(id);
  const head = await redis.hgetBuffer(key, 'head');
  if (head === null) {
    return undefined;
  }
  if (isSealed(head)) {
    return { encrypted_with: keyName(head) };
  }
  const meta = unpackMeta<UpstreamRequestHead>(head);
  const { method, path, target } = meta.head;
  return {
    method,
    path: path.split('?')[0],
    upstream: `${target.scheme}://${toUriHost(target.host)}:${String(target.port)}`,
    body_bytes: meta.bytes,
  };
}

function keyName(head: Buffer): string {
  try {
    return keyIdOf(head);
  } catch {
    return 'an unknown key';
  }
}

/** The original length of a stored body, without reading the body. @param recorded the length in the record. */
async function bodyBytes(
  redis: AdminContext['redis'],
  key: string,
  recorded: number,
): Promise<number | undefined> {
  const head = await redis.hgetBuffer(key, 'head');
  return head === null ? undefined : isSealed(head) ? recorded : unpackMeta(head).bytes;
}

/** One line for each member. Records are flattened. */
function lines(value: object, before = ''): [string, string][] {
  return Object.entries(value).flatMap(([name, member]): [string, string][] => {
    if (member === undefined || member === null) {
      return [];
    }
    return typeof member === 'object'
      ? lines(member as object, `${before}${name}.`)
      : [[`${before}${name}`, String(member)]];
  });
}
