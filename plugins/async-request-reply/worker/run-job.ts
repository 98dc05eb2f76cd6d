// One turn of a job in a worker: take the lease, call the upstream, settle. The record decides at every step;
// each step may be repeated after a crash.
import { randomUUID } from 'node:crypto';
import type { JobRecord } from '../jobs/job-record';
import type { AdvanceOutcome, AttemptEnd, SettleOutcome } from '../jobs/job-outcomes';
import type { JobSettings } from '../jobs/job-settings';
import { loggableJobId } from '../jobs/job-id';
import { Lease } from './lease';
import { loadAttemptInputs } from './load-attempt-inputs';
import type { QueueControl } from './queue-control';
import { afterFailure, afterResponse, pauseMs } from './retry-policy';
import type { CallOutcome } from '../dispatch/http/call-outcome';
import { classifyFailure } from '../dispatch/http/classify-failure';
import { loopbackFields } from '../dispatch/http/loopback-fields';
import { callUpstream } from '../dispatch/http/upstream-call';
import type { WorkerContext } from './worker-context';

/** What the scheduler is to do with the job: forget it, or bring it again. */
export type JobRunResult = { readonly kind: 'done' } | { readonly kind: 'again'; readonly delayMs: number };

type Leased = Extract<AdvanceOutcome, { kind: 'leased' }>;

const DONE: JobRunResult = { kind: 'done' };

/** A record of a newer program: a newer worker may be there by then. */
const NEWER_RETRY_MS = 10_000;

const SETTLE_RETRY_MS = 200;

/** @param turn the job's turn in its queue, as the scheduler has it. */
export async function runJob(
  context: WorkerContext,
  queue: QueueControl,
  id: string,
  turn: number,
): Promise<JobRunResult> {
  const takenAt = performance.now();
  const token = randomUUID();
  const start = await context.jobs.start(id, token, context.leaseMs);
  switch (start.kind) {
    case 'missing':
      context.log.warn({ job: loggableJobId(id), queue: queue.name }, 'scheduled job has no record: dropped');
      await context.index.deleteJob(queue.name, id, '');
      return DONE;
    case 'already-settled':
    case 'settled-now':
      await context.index.removeJob(queue.name, id, start);
      return DONE;
    case 'newer':
      return { kind: 'again', delayMs: NEWER_RETRY_MS };
    case 'leased-elsewhere':
    case 'not-due':
      return { kind: 'again', delayMs: start.ms };
    case 'open':
      throw new Error('a start with a token cannot leave the job open');
    case 'leased':
      await context.index.releaseSlot(queue.name, id, turn);
      return runAttempt(context, queue, start, new Lease(context.jobs, id, token, context.leaseMs, takenAt));
  }
}

async function runAttempt(
  context: WorkerContext,
  queue: QueueControl,
  start: Leased,
  lease: Lease,
): Promise<JobRunResult> {
  const { id } = start.record;
  context.leases.set(id, lease);
  try {
    const end = await attempt(context, queue, start, lease);
    const settled: SettleOutcome =
      end === undefined ? { kind: 'lost' } : await settle(context, id, lease, end);
    switch (settled.kind) {
      case 'retrying':
        await setUsage(context, queue.name, start.record, end);
        return { kind: 'again', delayMs: settled.delayMs };
      case 'settled-now':
        await context.index.removeJob(queue.name, id, settled);
        return DONE;
      case 'lost':
        return { kind: 'again', delayMs: context.leaseMs };
    }
  } finally {
    context.leases.delete(id);
    lease.release();
  }
}

/** A response that is kept beside the request until the next attempt is counted like it. */
async function setUsage(
  { quota: stored, log }: WorkerContext,
  queue: string,
  { id, requestBytes }: JobRecord,
  end: AttemptEnd | undefined,
): Promise<void> {
  if (end?.result === undefined) {
    return;
  }
  await stored.setUsage(queue, id, requestBytes + (end.resultBytes ?? 0)).catch((error: unknown) => {
    log.warn({ queue, err: String(error) }, 'a stored response could not be counted');
  });
}

/** Makes the call and says how the attempt ended; undefined where the lease is lost and nothing may be said. */
async function attempt(
  context: WorkerContext,
  queue: QueueControl,
  start: Leased,
  lease: Lease,
): Promise<AttemptEnd | undefined> {
  const { record } = start;
  const begunAt = performance.now();
  const inputs = await loadAttemptInputs(context, queue.name, record);
  if (inputs.kind === 'ended') {
    return inputs.end;
  }
  const { request, settings, secrets, key } = inputs;
  const gate = await queue.gate(settings);
  if (!lease.isHeld() && lease.end === 'lost') {
    return undefined;
  }
  if (gate.kind === 'wait') {
    return { outcome: 'release', delayMs: gate.ms };
  }
  const result = `${start.run}.${String(record.attempts)}`;
  const startedAt = record.expiresAt - start.lifeMs;
  const marked = { record, startedAt, settings, keyPrefix: context.prefix };
  const outcome = await callUpstream(context.agents.for(settings, secrets), request, {
    moreFields: loopbackFields(marked, request.head, secrets),
    timeoutMs: settings.attemptTimeoutMs,
    maxResponseBytes: settings.maxResponseBytes,
    maxHandoffHeadBytes: settings.maxHandoffHeadBytes,
    signal: lease.signal,
    mayStart: () => lease.isHeld(),
    store: (head) =>
      context.jobs.payloads.writeResponse(record.id, result, head, {
        ttlMs: start.lifeMs,
        key,
        persist: (write) => persistReleased(lease, write),
      }),
  });
  const end = await attemptEnd(record, result, lease, settings, outcome);
  const leftMs = record.deadlineAt - startedAt - (performance.now() - begunAt);
  await removeFromQueue(queue, { outcome, wasProbe: gate.kind === 'probe', leftMs }, settings).catch(
    (error: unknown) => {
      // The job's own end matters more: it is written whatever the queue could be told.
      context.log.warn(
        { queue: queue.name, err: String(error) },
        'the queue could not be told of an attempt',
      );
    },
  );
  return end;
}

/** What an attempt tells of its upstream. */
interface AttemptFacts {
  readonly outcome: CallOutcome;
  /** Whether the breaker let it through to see how the upstream does. */
  readonly wasProbe: boolean;
  /** Until the job's deadline: for no longer is the queue held for what it was told. */
  readonly leftMs: number;
}

/** What the attempt says of the upstream as a whole: to the breaker, and where it asks for a pause, to the queue. */
async function removeFromQueue(
  queue: QueueControl,
  { outcome, wasProbe, leftMs }: AttemptFacts,
  settings: JobSettings,
): Promise<void> {
  if (outcome.kind === 'aborted') {
    return;
  }
  const succeeded = outcome.kind === 'response' && !settings.retryStatuses.includes(outcome.head.status);
  await queue.report(succeeded, wasProbe, settings);
  const requestedMs = outcome.kind === 'response' ? pauseMs(outcome.head, Date.now()) : 0;
  const pausedMs = Math.min(requestedMs, settings.maxPauseMs, leftMs);
  if (pausedMs > 0) {
    await queue.pause(pausedMs, 'retry-after');
  }
}

async function attemptEnd(
  record: JobRecord,
  result: string,
  lease: Lease,
  settings: JobSettings,
  outcome: CallOutcome,
): Promise<AttemptEnd | undefined> {
  switch (outcome.kind) {
    case 'failure':
      return afterFailure(outcome, record.attempts, record.repeatable, settings);
    case 'aborted':
      return abortedEnd(lease, outcome.mayHaveArrived, record.repeatable);
    case 'response': {
      const end = afterResponse(outcome.head, record.attempts, record.repeatable, settings, Date.now());
      const { bytes } = outcome.body;
      try {
        await outcome.body.finish(outcome.head);
        return { ...end, result, resultBytes: bytes };
      } catch (error) {
        return lease.end === 'lost'
          ? undefined
          : afterFailure(classifyFailure(error, true, true), record.attempts, record.repeatable, settings);
      }
    }
  }
}

function abortedEnd(lease: Lease, mayHaveArrived: boolean, repeatable: boolean): AttemptEnd | undefined {
  if (lease.end === 'lost') {
    return undefined;
  }
  if (lease.end === 'cancelled' || repeatable || !mayHaveArrived) {
    // A cancelled job settles so whatever the attempt says: jobs/lua/settle.lua.
    return { outcome: 'release', delayMs: 0, called: mayHaveArrived };
  }
  return {
    outcome: 'failed',
    error: {
      code: 'outcome-unknown',
      detail: 'The worker was shut down during the upstream call, and the request may not be repeated.',
    },
  };
}

async function settle(
  context: WorkerContext,
  id: string,
  lease: Lease,
  end: AttemptEnd,
): Promise<SettleOutcome> {
  const settled = await persist(lease, () => context.jobs.settle(id, lease.token, end));
  return settled?.value ?? { kind: 'lost' };
}

/** Like `persist`, for those who have nothing to do once the lease is lost. */
async function persistReleased<T>(lease: Lease, write: () => Promise<T>): Promise<T> {
  const written = await persist(lease, write);
  if (written === undefined) {
    throw new Error('the lease was lost');
  }
  return written.value;
}

/** Repeats a write until Redis takes it or the lease is lost: the upstream's answer exists only here. */
async function persist<T>(lease: Lease, write: () => Promise<T>): Promise<{ value: T } | undefined> {
  for (;;) {
    try {
      return { value: await write() };
    } catch {
      if (lease.end === 'lost') {
        return undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_RETRY_MS));
    }
  }
}
