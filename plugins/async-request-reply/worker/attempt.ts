// One attempt of a leased job: calls the upstream, stores its response, and reports to the queue how the upstream is doing.
import type { CallOutcome } from '../dispatch/call-outcome';
import { PAYLOAD_LOST } from '../dispatch/call-outcome';
import type { ResponseSink } from '../dispatch/dispatcher';
import type { AdvanceOutcome, AttemptEnd } from '../jobs/job-outcomes';
import type { JobSettings } from '../jobs/job-settings';
import type { Lease } from './lease';
import { loadAttemptInputs, type AttemptInputs } from './load-attempt-inputs';
import { persistOrThrow } from './persist';
import type { QueueControl } from './queue-control';
import { afterFailure, afterResponse, pauseMs, type AttemptFacts } from './retry-policy';
import type { WorkerContext } from './worker-context';

export type LeasedJob = Extract<AdvanceOutcome, { kind: 'leased' }>;

/** Makes the attempt. @returns how it ended; undefined if the lease is lost: then nothing may be written. */
export async function makeAttempt(
  context: WorkerContext,
  queue: QueueControl,
  job: LeasedJob,
  lease: Lease,
): Promise<AttemptEnd | undefined> {
  const { record } = job;
  const begunAtMs = performance.now();
  const inputs = await loadAttemptInputs(context, queue.name, record);
  if (inputs.kind === 'ended') {
    return inputs.end;
  }
  const { settings } = inputs;
  const gate = await queue.gate(settings);
  if (!lease.isHeld() && lease.end === 'lost') {
    return undefined;
  }
  if (gate.kind === 'wait') {
    return { outcome: 'release', delayMs: gate.ms };
  }
  const startedAt = record.expiresAt - job.lifeMs;
  const result = `${job.run}.${String(record.attempts)}`;
  const outcome = await context.dispatcher.call(
    { record, startedAt, settings, secrets: inputs.secrets, mayStart: () => lease.isHeld() },
    inputs.request,
    responseSink(context, { job, inputs, result, lease }),
    lease.signal,
  );
  const facts: AttemptFacts = { attempt: record.attempts, repeatable: record.repeatable, settings };
  const end = await endOf(outcome, { facts, result, lease });
  const leftMs = record.deadlineAt - startedAt - (performance.now() - begunAtMs);
  await reportToQueue(queue, { outcome, wasProbe: gate.kind === 'probe', leftMs }, settings).catch(
    (error: unknown) => {
      context.log.warn(
        { queue: queue.name, err: error },
        'the breaker and the pause of the queue were not updated after an attempt; the attempt settles all the same',
      );
    },
  );
  return end;
}

interface SinkOptions {
  readonly job: LeasedJob;
  readonly inputs: AttemptInputs;
  readonly result: string;
  readonly lease: Lease;
}

const responseSink =
  ({ jobs }: WorkerContext, { job, inputs, result, lease }: SinkOptions): ResponseSink =>
  (head) =>
    jobs.payloads.writeResponse(job.record.id, result, head, {
      ttlMs: job.lifeMs,
      key: inputs.key,
      persist: (write) => persistOrThrow(lease, write),
    });

/** What an attempt shows about its upstream. */
interface UpstreamReport {
  readonly outcome: CallOutcome;
  /** Whether the breaker let the attempt through to test the upstream. */
  readonly wasProbe: boolean;
  /** Time until the job's deadline. A response pauses the queue for no longer. */
  readonly leftMs: number;
}

/** Reports to the breaker, and pauses the queue if the upstream requested that. */
async function reportToQueue(
  queue: QueueControl,
  { outcome, wasProbe, leftMs }: UpstreamReport,
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

interface EndOptions {
  readonly facts: AttemptFacts;
  readonly result: string;
  readonly lease: Lease;
}

async function endOf(
  outcome: CallOutcome,
  { facts, result, lease }: EndOptions,
): Promise<AttemptEnd | undefined> {
  switch (outcome.kind) {
    case 'failure':
      return afterFailure(outcome, facts);
    case 'aborted':
      return abortedEnd(lease, outcome.mayHaveArrived, facts.repeatable);
    case 'response': {
      const end = afterResponse(outcome.head, facts, Date.now());
      const { bytes } = outcome.body;
      try {
        await outcome.body.finish(outcome.head);
        return { ...end, result, resultBytes: bytes };
      } catch {
        // While the lease is held a write is repeated until it succeeds: only a lost chunk ends here.
        return lease.end === 'lost'
          ? undefined
          : afterFailure({ kind: 'failure', ...PAYLOAD_LOST, mayHaveArrived: true }, facts);
      }
    }
  }
}

function abortedEnd(lease: Lease, mayHaveArrived: boolean, repeatable: boolean): AttemptEnd | undefined {
  if (lease.end === 'lost') {
    return undefined;
  }
  if (lease.end === 'cancelled' || repeatable || !mayHaveArrived) {
    // A cancelled job settles as cancelled, whatever the attempt reports: jobs/lua/settle.lua.
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
