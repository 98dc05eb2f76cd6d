// The scripts on callbacks, one function each. The header of each Lua file describes what it does and returns.
import path from 'node:path';
import type { KeySpace } from '../redis/keys';
import { CLOCK, defineScript, noReply } from '../redis/script';

const DIRECTORY = path.join(__dirname, 'lua');

interface TakeOptions {
  readonly keys: KeySpace;
  readonly queue: string;
  readonly invisibleMs: number;
  readonly count: number;
}

/** Callbacks that are due and now invisible to other workers. Times are ms of Redis. */
interface TakenCallbacks {
  readonly now: number;
  readonly invisibleUntil: number;
  readonly ids: readonly string[];
}

export const takeCallbacks = defineScript({
  name: 'callbacks_take',
  directory: DIRECTORY,
  libraries: [CLOCK],
  numberOfKeys: 1,
  keys: ({ keys, queue }: TakeOptions) => [keys.callbacks(queue)],
  argv: ({ invisibleMs, count }) => [invisibleMs, count],
  reply: ([now, invisibleUntil, ...ids]: string[]): TakenCallbacks => ({
    now: Number(now),
    invisibleUntil: Number(invisibleUntil),
    ids,
  }),
});

interface PutOptions {
  readonly keys: KeySpace;
  readonly queue: string;
  readonly id: string;
  readonly invisibleUntil: number;
  /** Before the next look; undefined removes the callback. */
  readonly delayMs: number | undefined;
}

export const putCallback = defineScript({
  name: 'callbacks_put',
  directory: DIRECTORY,
  libraries: [CLOCK],
  numberOfKeys: 1,
  keys: ({ keys, queue }: PutOptions) => [keys.callbacks(queue)],
  argv: ({ id, invisibleUntil, delayMs }) => [
    id,
    invisibleUntil,
    delayMs === undefined ? '' : Math.ceil(delayMs),
  ],
  reply: noReply,
});

interface DropOptions {
  readonly keys: KeySpace;
  readonly id: string;
  readonly run: string;
}

export const dropCallback = defineScript({
  name: 'callback_drop',
  directory: DIRECTORY,
  numberOfKeys: 1,
  keys: ({ keys, id }: DropOptions) => [keys.callback(id)],
  argv: ({ run }) => [run],
  reply: noReply,
});
