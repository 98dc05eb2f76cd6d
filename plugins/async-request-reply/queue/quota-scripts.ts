// The scripts that count the bytes that a queue stores, one function each. The header of each Lua file describes what it does and
// returns.
import path from 'node:path';
import type { KeySpace } from '../redis/keys';
import { CLOCK, defineScript, luaLibrary, noReply } from '../redis/script';
import type { ReserveOutcome } from './queue-outcomes';

const DIRECTORY = path.join(__dirname, 'lua');

/** A queue, and the key space that its keys are in. */
export interface QueueOptions {
  readonly keys: KeySpace;
  readonly queue: string;
}

export interface QueueJobOptions extends QueueOptions {
  readonly id: string;
}

/** For scripts of {@link quotaKeys}. */
export const STORED = luaLibrary(DIRECTORY, 'stored');

/** The keys `stored` and `bytes` of stored.lua. */
export const quotaKeys = ({ keys, queue }: QueueOptions): string[] => [
  keys.stored(queue),
  keys.storedBytes(queue),
];

interface ReserveBytesOptions extends QueueJobOptions {
  readonly bytes: number;
  /** 0 is no limit. */
  readonly maxBytes: number;
  readonly lifeMs: number;
}

export const reserveBytes = defineScript({
  name: 'bytes_reserve',
  directory: DIRECTORY,
  libraries: [CLOCK, STORED],
  numberOfKeys: 2,
  keys: (options: ReserveBytesOptions) => quotaKeys(options),
  argv: ({ id, bytes, maxBytes, lifeMs }) => [id, bytes, maxBytes, lifeMs],
  reply: ([kind, expiresInMs]: string[]): ReserveOutcome =>
    kind === 'reserved' ? { kind } : { kind: 'bytes-full', expiresInMs: Number(expiresInMs) },
});

interface ShrinkBytesOptions extends QueueJobOptions {
  readonly bytes: number;
  /** Within how long they expire; undefined: as before. */
  readonly withinMs: number | undefined;
}

export const shrinkBytes = defineScript({
  name: 'bytes_shrink',
  directory: DIRECTORY,
  libraries: [CLOCK, STORED],
  numberOfKeys: 2,
  keys: (options: ShrinkBytesOptions) => quotaKeys(options),
  argv: ({ id, bytes, withinMs }) => [id, bytes, withinMs ?? ''],
  reply: noReply,
});

interface SetBytesOptions extends QueueJobOptions {
  readonly bytes: number;
}

export const setBytes = defineScript({
  name: 'bytes_set',
  directory: DIRECTORY,
  libraries: [CLOCK, STORED],
  numberOfKeys: 3,
  keys: (options: SetBytesOptions) => [options.keys.openJobs(options.queue), ...quotaKeys(options)],
  argv: ({ id, bytes }) => [id, bytes],
  reply: noReply,
});

/** Returns how many entries were removed. */
export const expireBytes = defineScript({
  name: 'bytes_expire',
  directory: DIRECTORY,
  libraries: [CLOCK, STORED],
  numberOfKeys: 2,
  keys: (options: QueueOptions) => quotaKeys(options),
  argv: () => [],
  reply: (removed: number): number => removed,
});

export const totalBytes = defineScript({
  name: 'bytes_total',
  directory: DIRECTORY,
  libraries: [CLOCK, STORED],
  numberOfKeys: 2,
  keys: (options: QueueOptions) => quotaKeys(options),
  argv: () => [],
  reply: (total: number): number => total,
});
