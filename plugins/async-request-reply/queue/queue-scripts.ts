// The scripts on the keys of a queue, one function each. The header of each Lua file describes what it does and returns.
import path from 'node:path';
import { CALLBACK_LIFE } from '../jobs/script-libraries';
import { CLOCK, defineScript, luaLibrary, noReply } from '../redis/script';
import type { BreakerReply, ClaimOutcome, QueueProgress, SlotOutcome, SlotsFull } from './queue-outcomes';
import { quotaKeys, STORED, type QueueJobOptions, type QueueOptions } from './quota-scripts';

const DIRECTORY = path.join(__dirname, 'lua');

const SETTLED = luaLibrary(DIRECTORY, 'settled');

interface ReserveOptions extends QueueJobOptions {
  /** Hash of the job's owner. */
  readonly caller: string;
  readonly maxWaiting: number;
  readonly provisionalMs: number;
  /** 0 is no limit. */
  readonly maxPerCaller: number;
  readonly lifeMs: number;
  /** Of the request's body; undefined if they are counted already. */
  readonly bytes: number | undefined;
  /** 0 is no limit. */
  readonly maxStoredBytes: number;
}

export const reserveSlot = defineScript({
  name: 'reserve',
  directory: DIRECTORY,
  libraries: [CLOCK, SETTLED, STORED],
  numberOfKeys: 7,
  keys: (options: ReserveOptions) => {
    const { keys, queue, caller } = options;
    return [
      keys.slots(queue),
      keys.ranks(queue),
      keys.callerRank(queue, caller),
      keys.callerJobs(queue, caller),
      keys.pause(queue),
      ...quotaKeys(options),
    ];
  },
  argv: (options) => [
    options.id,
    options.maxWaiting,
    options.provisionalMs,
    options.maxPerCaller,
    options.lifeMs,
    options.bytes ?? '',
    options.maxStoredBytes,
  ],
  reply: ([kind, detail, at, pausedMs]: string[]): SlotOutcome => {
    switch (kind) {
      case 'reserved':
        return { kind, rank: Number(detail), at: Number(at), pausedMs: Number(pausedMs) };
      case 'full':
        return { kind, settledPerMinute: Number(detail) };
      case 'bytes-full':
        return { kind, expiresInMs: Number(detail) };
      default:
        return { kind: 'caller-full' };
    }
  },
});

interface CheckSlotsOptions extends QueueOptions {
  readonly maxWaiting: number;
}

export const checkSlots = defineScript({
  name: 'check_slots',
  directory: DIRECTORY,
  libraries: [CLOCK, SETTLED],
  numberOfKeys: 1,
  keys: ({ keys, queue }: CheckSlotsOptions) => [keys.slots(queue)],
  argv: ({ maxWaiting }) => [maxWaiting],
  reply: ([kind, settled]: string[]): SlotsFull | 'free' =>
    kind === 'full' ? { kind, settledPerMinute: Number(settled) } : 'free',
});

interface AddJobOptions extends QueueJobOptions {
  readonly caller: string;
  readonly deadlineMs: number;
  readonly lifeMs: number;
  readonly hasCallback: boolean;
  readonly requestBytes: number;
}

export const addJob = defineScript({
  name: 'add_job',
  directory: DIRECTORY,
  libraries: [CLOCK, CALLBACK_LIFE, STORED],
  numberOfKeys: 6,
  keys: (options: AddJobOptions) => {
    const { keys, queue, caller } = options;
    return [
      keys.slots(queue),
      keys.openJobs(queue),
      keys.callerJobs(queue, caller),
      keys.callbacks(queue),
      ...quotaKeys(options),
    ];
  },
  argv: ({ id, deadlineMs, lifeMs, hasCallback, requestBytes }) => [
    id,
    deadlineMs,
    lifeMs,
    hasCallback ? '1' : '',
    requestBytes,
  ],
  reply: noReply,
});

interface ReleaseSlotOptions extends QueueJobOptions {
  readonly rank: number;
}

export const releaseSlot = defineScript({
  name: 'release_slot',
  directory: DIRECTORY,
  numberOfKeys: 2,
  keys: ({ keys, queue }: ReleaseSlotOptions) => [keys.slots(queue), keys.ranks(queue)],
  argv: ({ id, rank }) => [id, rank],
  reply: noReply,
});

interface RemoveJobOptions extends QueueJobOptions {
  readonly caller: string;
  readonly dead: boolean;
  readonly expiresAt: number;
  /** That stay as long as the record; undefined leaves the count as it is. */
  readonly bytes: number | undefined;
}

export const removeJob = defineScript({
  name: 'remove_job',
  directory: DIRECTORY,
  libraries: [CLOCK, SETTLED, STORED],
  numberOfKeys: 8,
  keys: (options: RemoveJobOptions) => {
    const { keys, queue, id, caller, expiresAt } = options;
    return [
      keys.slots(queue),
      keys.openJobs(queue),
      keys.callerJobs(queue, caller),
      keys.deadLetters(queue),
      keys.callbacks(queue),
      keys.redriven(queue, id, expiresAt),
      ...quotaKeys(options),
    ];
  },
  argv: ({ id, dead, expiresAt, bytes }) => [id, dead ? '1' : '', expiresAt, bytes ?? ''],
  reply: noReply,
});

interface BreakerOptions extends QueueOptions {
  readonly event: 'gate' | 'success' | 'failure';
  readonly failures: number;
  readonly openMs: number;
  readonly probeMs: number;
}

export const runBreaker = defineScript({
  name: 'breaker',
  directory: DIRECTORY,
  libraries: [CLOCK],
  numberOfKeys: 1,
  keys: ({ keys, queue }: BreakerOptions) => [keys.breaker(queue)],
  argv: ({ event, failures, openMs, probeMs }) => [event, failures, openMs, probeMs],
  reply: ([kind, ms]: string[]): BreakerReply =>
    kind === 'wait' ? { kind, ms: Number(ms) } : { kind: kind as Exclude<BreakerReply['kind'], 'wait'> },
});

const pauseKeys = ({ keys, queue }: QueueOptions): string[] => [keys.pause(queue), keys.bullLimiter(queue)];

interface PauseOptions extends QueueOptions {
  readonly ms: number;
  readonly reason: string;
}

export const pauseQueue = defineScript({
  name: 'pause',
  directory: DIRECTORY,
  numberOfKeys: 2,
  keys: (options: PauseOptions) => pauseKeys(options),
  argv: ({ ms, reason }) => [ms, reason],
  reply: noReply,
});

interface ResumeOptions extends QueueOptions {
  /** Ends only a pause for this reason; undefined is any. */
  readonly reason: string | undefined;
}

/** Returns whether there was such a pause. */
export const resumeQueue = defineScript({
  name: 'resume',
  directory: DIRECTORY,
  numberOfKeys: 2,
  keys: (options: ResumeOptions) => pauseKeys(options),
  argv: ({ reason }) => [reason ?? ''],
  reply: (code: number): boolean => code === 1,
});

interface ProgressOptions extends QueueJobOptions {
  readonly createdAt: number;
}

export const queueProgress = defineScript({
  name: 'progress',
  directory: DIRECTORY,
  libraries: [CLOCK, SETTLED],
  numberOfKeys: 3,
  keys: ({ keys, queue }: ProgressOptions) => [keys.slots(queue), keys.bullWaiting(queue), keys.pause(queue)],
  argv: ({ id, createdAt }) => [id, createdAt],
  reply: ([position = '', settled, windowMs, pausedMs]: string[]): QueueProgress => ({
    position: position === '' ? undefined : Number(position),
    settled: Number(settled),
    windowMs: Number(windowMs),
    pausedMs: Number(pausedMs),
  }),
});

interface ClaimOptions extends QueueOptions {
  readonly key: string;
  readonly id: string;
  readonly fingerprint: string;
  readonly ttlMs: number;
  readonly lifeMs: number;
  /** ID of a job that has lost its claim, or ''. */
  readonly replaces: string;
}

export const claimKey = defineScript({
  name: 'claim',
  directory: DIRECTORY,
  libraries: [CLOCK],
  numberOfKeys: 1,
  keys: ({ keys, queue, key }: ClaimOptions) => [keys.claim(queue, key)],
  argv: ({ id, fingerprint, ttlMs, lifeMs, replaces }) => [id, fingerprint, ttlMs, lifeMs, replaces],
  reply: ([kind, id = '', same, expired, ageMs]: string[]): ClaimOutcome =>
    kind === 'acquired'
      ? { kind }
      : {
          kind: 'claimed',
          id,
          isSameRequest: same === '1',
          isExpired: expired === '1',
          ageMs: Number(ageMs),
        },
});

interface ReleaseClaimOptions extends QueueOptions {
  readonly key: string;
  readonly id: string;
}

export const releaseClaim = defineScript({
  name: 'release',
  directory: DIRECTORY,
  numberOfKeys: 1,
  keys: ({ keys, queue, key }: ReleaseClaimOptions) => [keys.claim(queue, key)],
  argv: ({ id }) => [id],
  reply: noReply,
});
