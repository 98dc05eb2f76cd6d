// What the scripts on the records of jobs share: their libraries in Lua, their keys, and how a settled job is read from a reply.
import path from 'node:path';
import type { KeySpace } from '../redis/keys';
import { CLOCK, luaLibrary, type LuaLibrary } from '../redis/script';
import type { SettledSummary } from './job-outcomes';
import type { SettledState } from './job-record';
import { TRANSITIONS } from './transitions';

export const DIRECTORY = path.join(__dirname, 'lua');

/** A callback is retried for a day after its job has settled. What it needs lives a little longer. */
const CALLBACK_LIFE_MS = 93_600_000;

export const CALLBACK_LIFE: LuaLibrary = () => `local CALLBACK_LIFE_MS = ${String(CALLBACK_LIFE_MS)}\n`;

/** The table of jobs/transitions.ts in Lua. */
const TRANSITION_TABLE: LuaLibrary = () => {
  const states = Object.entries(TRANSITIONS).map(([from, events]) => {
    const moves = Object.entries(events).map(([event, to]) => `['${event}'] = '${to}'`);
    return `['${from}'] = { ${moves.join(', ')} }`;
  });
  return `local TRANSITIONS = { ${states.join(', ')} }\n`;
};

export const LIBRARIES = [CLOCK, TRANSITION_TABLE, CALLBACK_LIFE, luaLibrary(DIRECTORY, 'record')];

/** A job, and the key space that its keys are in. */
export interface JobOptions {
  readonly keys: KeySpace;
  readonly id: string;
}

/** The keys that record.lua needs to settle a job. */
export const settlingKeys = ({ keys, id }: JobOptions): string[] => [
  keys.record(id),
  keys.request(id),
  keys.callback(id),
  keys.settledChannel(id),
];

/** Reads what `settle` of record.lua returns: kind, state, owner, dead, expires_at and bytes. */
export function settledSummary(reply: readonly string[]): SettledSummary {
  const [, state, owner = '', dead, expiresAt, bytes] = reply;
  return {
    state: state as SettledState,
    owner,
    dead: dead === '1',
    expiresAt: Number(expiresAt),
    bytes: Number(bytes),
  };
}
