// The model's record and the real Lua scripts, side by side: from every record that the model can reach, each script is
// run on a real Redis, and both have to come to the same. Time passes by the record's own fields.
import { isSettled } from '../../plugins/async-request-reply/jobs/job-record';
import { newJobId } from '../../plugins/async-request-reply/jobs/job-id';
import { TRANSITIONS } from '../../plugins/async-request-reply/jobs/transitions';
import type { NewJob } from '../../plugins/async-request-reply/jobs/new-job';
import type { AttemptEnd as StoreEnd } from '../../plugins/async-request-reply/jobs/job-outcomes';
import type { JobStore } from '../../plugins/async-request-reply/jobs/job-store';
import { KeySpace } from '../../plugins/async-request-reply/redis/keys';
import type { RedisClient } from '../../plugins/async-request-reply/redis/redis-client';
import { RecordScripts } from '../model/record';
import type { AttemptEnd, Change, JobKind, ModelRecord, Reply } from '../model/record';
import { RULES } from '../model/rules';
import { newJob } from '../helpers/new-job';
import { startJobStore } from '../helpers/start-job-store';
import { useResources } from '../helpers/use-resources';

const PREFIX = 'model';
const KEYS = new KeySpace(PREFIX);
const LEASE_MS = 60_000;
const DEADLINE_MS = 600_000;
const DELAY_MS = 60_000;
/** Up to here every path is gone, further on every state. */
const WHOLE_PATHS = 2;

let redis: RedisClient;
let store: JobStore;

useResources(async (resources) => void ({ redis, store } = await startJobStore(PREFIX, resources)));

interface Operation {
  readonly name: string;
  /** What it makes of the record in the model; undefined where it does not apply. */
  readonly inModel: (scripts: RecordScripts, record: ModelRecord | undefined) => Change | undefined;
  /** Does the same in Redis. @returns what the script answered, as far as the model has it. */
  readonly inRedis: (
    id: string,
    record: ModelRecord | undefined,
    kind: JobKind,
  ) => Promise<Reply | undefined>;
}

const replyOf = (outcome: { kind: string; state?: string; dead?: boolean }): Reply => {
  const { kind, state, dead } = outcome;
  return (dead === undefined ? { kind } : { kind, state, dead }) as Reply;
};

const jobOf = (id: string, kind: JobKind): NewJob =>
  newJob({
    id,
    body: Buffer.from('body'),
    ...kind,
    deadlineMs: DEADLINE_MS,
    resultTtlMs: 2 * DEADLINE_MS,
    openTtlMs: 4 * DEADLINE_MS,
  });

const resultOf = (record: ModelRecord | undefined): string => `${record?.run ?? 0}.${record?.attempts ?? 0}`;

/** The attempt stores its response first, as a worker does. */
function settling(token: string, name: string, end: AttemptEnd, hasResponse: boolean): Operation {
  return {
    name: `${token} settles ${name}`,
    inModel: (scripts, record) => {
      if (!hasResponse || record === undefined) {
        return scripts.settle(record, token, end);
      }
      const result = resultOf(record);
      const isNew = !record.responses.includes(result);
      const stored = isNew ? { ...record, responses: [...record.responses, result].sort() } : record;
      return scripts.settle(stored, token, { ...end, result });
    },
    inRedis: async (id, record) => {
      const result = resultOf(record);
      if (hasResponse && record !== undefined) {
        const response = store.payloads.writeResponse(
          id,
          result,
          { status: 200, headers: [] },
          { ttlMs: DEADLINE_MS },
        );
        await response.write(Buffer.from('r'));
        await response.finish({ status: 200, headers: [] });
      }
      const delayMs = end.pastDeadline === true ? 2 * DEADLINE_MS : DELAY_MS;
      const { outcome, keepRequest = false } = end;
      const error = { code: 'upstream-failed', detail: 'd' } as const;
      const stored: StoreEnd = {
        outcome,
        keepRequest,
        delayMs,
        ...(hasResponse ? { result, upstreamStatus: 200 } : { error }),
      };
      return replyOf(await store.settle(id, token, stored));
    },
  };
}

/** Time passes: a flag in the model, a field of the record in Redis. */
function passing(
  name: string,
  field: string,
  change: (record: ModelRecord) => ModelRecord | undefined,
): Operation {
  return {
    name,
    inModel: (_scripts, record) => {
      const changed = record === undefined || isSettled(record.state) ? undefined : change(record);
      return changed === undefined ? undefined : [changed, { kind: 'open' }];
    },
    inRedis: async (id) => {
      await redis.hset(KEYS.record(id), field, 1);
      return undefined;
    },
  };
}

const OPERATIONS: readonly Operation[] = [
  {
    name: 'create',
    // The request is on its way before anybody knows whether the ID is taken; one that nobody will need goes again.
    inModel: (scripts, record) => {
      const [created, reply] = scripts.create(record);
      const request = created !== undefined && (created.dead || !isSettled(created.state));
      return [created === undefined ? created : { ...created, request }, reply];
    },
    inRedis: async (id, _record, kind) => replyOf({ kind: (await store.create(jobOf(id, kind))).kind }),
  },
  {
    name: 'a starts',
    inModel: (scripts, record) => scripts.advance(record, 'a'),
    inRedis: async (id) => replyOf(await store.start(id, 'a', LEASE_MS)),
  },
  // The other one never has the lease.
  ...['a', 'b'].flatMap((token): Operation[] => [
    {
      name: `${token} renews`,
      inModel: (scripts, record) => scripts.renew(record, token),
      inRedis: async (id) => ({ kind: await store.renew(id, token, LEASE_MS) }),
    },
    settling(token, 'completed', { outcome: 'completed' }, true),
    settling(token, 'completed, a dead letter', { outcome: 'completed', keepRequest: true }, true),
    settling(token, 'failed', { outcome: 'failed' }, false),
    settling(token, 'retry', { outcome: 'retry' }, false),
    settling(token, 'retry with a response', { outcome: 'retry' }, true),
    settling(token, 'retry past the deadline', { outcome: 'retry', pastDeadline: true }, false),
    settling(token, 'release', { outcome: 'release' }, false),
  ]),
  {
    name: 'the sweep examines',
    inModel: (scripts, record) => scripts.advance(record, ''),
    inRedis: async (id) => replyOf(await store.examine(id)),
  },
  {
    name: 'cancel',
    inModel: (scripts, record) => scripts.cancel(record, false),
    inRedis: async (id) => replyOf(await store.cancel(id)),
  },
  {
    name: 'abandon',
    inModel: (scripts, record) => scripts.cancel(record, true),
    inRedis: async (id) => replyOf(await store.rollBack(id)),
  },
  {
    name: 'redrive',
    inModel: (scripts, record) => scripts.redrive(record),
    inRedis: async (id) => ({ kind: (await store.redrive(id)).kind }),
  },
  passing('the lease runs out', 'lease_until', (record) =>
    record.lease === 'live' ? { ...record, lease: 'over' } : undefined,
  ),
  passing('the deadline passes', 'deadline_at', (record) =>
    record.deadlineOver ? undefined : { ...record, deadlineOver: true },
  ),
  passing('the delay is over', 'not_before', (record) =>
    record.early ? { ...record, early: false } : undefined,
  ),
];

/** What Redis has, in the model's words; what plays no part in a settled record is left out. */
async function inRedis(id: string): Promise<object | undefined> {
  const fields = await redis.hgetall(KEYS.record(id));
  const { state } = fields;
  if (state === undefined) {
    return undefined;
  }
  const result = fields['result'] ?? '';
  const [request, response, now] = await Promise.all([
    redis.exists(KEYS.request(id)),
    redis.exists(KEYS.response(id, result)),
    redis.time().then(([seconds]) => (seconds ?? 0) * 1000),
  ]);
  const later = (field: string): boolean => Number(fields[field] ?? 0) > now;
  const isOpen = !['completed', 'failed', 'cancelled', 'expired'].includes(state);
  return {
    state,
    result,
    attempts: Number(fields['attempts'] ?? 0),
    run: Number(fields['run'] ?? 1),
    token: fields['token'] ?? '',
    dead: fields['dead'] === '1',
    request: request === 1,
    response: result === '' || response === 1,
    ...(isOpen && { cancel: fields['cancel'] === '1', deadlineOver: !later('deadline_at') }),
    ...(state === 'retrying' && { early: later('not_before') }),
    ...(state === 'running' && { leaseLive: later('lease_until') }),
  };
}

function inModel(record: ModelRecord | undefined): object | undefined {
  if (record === undefined) {
    return undefined;
  }
  const { state, result, attempts, run, token, dead, request, cancel, deadlineOver, early, lease } = record;
  return {
    state,
    result,
    attempts,
    run,
    token,
    dead,
    request,
    response: result === '' || record.responses.includes(result),
    ...(!isSettled(state) && { cancel, deadlineOver }),
    ...(state === 'retrying' && { early }),
    ...(state === 'running' && { leaseLive: lease === 'live' }),
  };
}

interface Reached {
  readonly record: ModelRecord | undefined;
  /** A job in Redis that is in this state. */
  readonly id: string;
  readonly path: readonly string[];
}

/** Another job in the same state: each operation has one of its own. */
async function copyOf({ id, record }: Reached): Promise<string> {
  const copy = newJobId();
  const results = record?.responses ?? [];
  await Promise.all([
    redis.copy(KEYS.record(id), KEYS.record(copy)),
    redis.copy(KEYS.request(id), KEYS.request(copy)),
    ...results.map((one) => redis.copy(KEYS.response(id, one), KEYS.response(copy, one))),
  ]);
  return copy;
}

/** Does one operation on both sides and compares. @returns where it leads; undefined where it does not apply. */
async function compared(
  from: Reached,
  operation: Operation,
  scripts: RecordScripts,
  kind: JobKind,
): Promise<Reached | undefined> {
  const change = operation.inModel(scripts, from.record);
  if (change === undefined) {
    return undefined;
  }
  const [record, reply] = change;
  const id = await copyOf(from);
  const path = [...from.path, operation.name];
  const answered = await operation.inRedis(id, from.record, kind);
  const real = { path, reply: answered ?? reply, record: await inRedis(id) };
  // A cancel and a redrive do not say whether a settled job is a dead letter.
  const said = answered !== undefined && !('dead' in answered) ? { kind: reply.kind } : reply;
  expect(real).toEqual({ path, reply: said, record: inModel(record) });
  return { record, id, path };
}

/** Breadth first through the model's records. @returns how many states and how many comparisons there were. */
async function compareAll(kind: JobKind, runs: number): Promise<{ compared: number; reached: Set<string> }> {
  const scripts = new RecordScripts(TRANSITIONS, kind, RULES);
  const seen = new Set<string>();
  let frontier: Reached[] = [{ record: undefined, id: newJobId(), path: [] }];
  let comparisons = 0;
  while (frontier.length > 0) {
    const next: Reached[] = [];
    for (const from of frontier) {
      const found = await Promise.all(OPERATIONS.map((one) => compared(from, one, scripts, kind)));
      for (const to of found.filter((one) => one !== undefined)) {
        comparisons += 1;
        const key = JSON.stringify(to.record ?? 'none');
        const isFurther = (to.record?.run ?? 1) <= runs;
        if (isFurther && (!seen.has(key) || to.path.length <= WHOLE_PATHS)) {
          next.push(to);
        }
        seen.add(key);
      }
    }
    frontier = next;
  }
  const reached = new Set(
    [...seen].map((text) => (text === '"none"' ? text : (JSON.parse(text) as ModelRecord).state)),
  );
  return { compared: comparisons, reached };
}

describe.each([
  { repeatable: true, maxAttempts: 1, runs: 2 },
  { repeatable: true, maxAttempts: 2, runs: 1 },
  { repeatable: false, maxAttempts: 2, runs: 1 },
])('with repeatable $repeatable, $maxAttempts attempts and $runs runs', ({ runs, ...kind }) => {
  test('each script does in every state what the model says', async () => {
    const { compared: comparisons, reached } = await compareAll(kind, runs);
    expect(comparisons).toBeGreaterThan(500);
    expect([...reached].sort()).toEqual(['"none"', ...Object.keys(TRANSITIONS)].sort());
  });
});

test('and no key is left without a TTL', async () => {
  const keys = await redis.keys(`${PREFIX}:*`);
  const ttls = await redis.pipeline(keys.map((key) => ['pttl', key])).exec();
  expect(keys.filter((_key, index) => Number(ttls?.[index]?.[1] ?? -1) < 0)).toEqual([]);
});
