// Registers the Lua files with a connection, once. ioredis sends EVALSHA and falls back to EVAL by itself.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type Redis from 'ioredis';
import type { Cluster } from 'ioredis';
import { TRANSITIONS } from '../jobs/transitions';

type Argument = string | number | Buffer;

/** The scripts as methods: keys first, then arguments. Each Lua file's header says what goes in and what comes back. */
interface Scripts {
  arrReserve(...keysAndArgv: Argument[]): Promise<string[]>;
  arrCheckSlots(placesKey: string, ...argv: Argument[]): Promise<string[]>;
  arrAddJob(...keysAndArgv: Argument[]): Promise<null>;
  arrReleaseSlot(...keysAndArgv: Argument[]): Promise<null>;
  arrRemoveJob(...keysAndArgv: Argument[]): Promise<null>;
  arrPut(payloadKey: string, ...argv: Argument[]): Promise<number>;
  arrCreate(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrAdvance(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrRenew(recordKey: string, ...argv: Argument[]): Promise<number>;
  arrSettle(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrRedrive(recordKey: string): Promise<string[]>;
  arrPurge(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrBreaker(breakerKey: string, ...argv: Argument[]): Promise<string[]>;
  arrPause(...keysAndArgv: Argument[]): Promise<null>;
  arrResume(...keysAndArgv: Argument[]): Promise<number>;
  arrConsumeToken(...keysAndArgv: Argument[]): Promise<string>;
  arrConsume(recordKey: string, ...argv: Argument[]): Promise<number>;
  arrProgress(...keysAndArgv: Argument[]): Promise<string[]>;
  arrCancel(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrClaim(claimKey: string, ...argv: Argument[]): Promise<string[]>;
  arrAcknowledge(recordKey: string, ...argv: Argument[]): Promise<string[]>;
  arrRelease(claimKey: string, ...argv: Argument[]): Promise<null>;
  arrCallbacksTake(callbacksKey: string, ...argv: Argument[]): Promise<string[]>;
  arrCallbacksPut(callbacksKey: string, ...argv: Argument[]): Promise<null>;
  arrCallbackDrop(callbackKey: string, ...argv: Argument[]): Promise<null>;
  arrBytesReserve(placesKey: string, ...argv: Argument[]): Promise<string[]>;
  arrBytesShrink(placesKey: string, ...argv: Argument[]): Promise<null>;
  arrBytesSet(...keysAndArgv: Argument[]): Promise<null>;
  arrBytesExpire(placesKey: string): Promise<number>;
  arrBytesTotal(placesKey: string): Promise<number>;
}

/** A single node or a Cluster: what this program calls on either is the same. */
export type ScriptedRedis = Redis & Scripts;

/** Each script with the number of its keys. */
const SCRIPTS = {
  'queue/lua/reserve': 5,
  'queue/lua/check_slots': 1,
  'queue/lua/add_job': 4,
  'queue/lua/release_slot': 2,
  'queue/lua/remove_job': 4,
  'queue/lua/breaker': 1,
  'queue/lua/pause': 2,
  'queue/lua/resume': 2,
  'queue/lua/progress': 3,
  'queue/lua/claim': 1,
  'queue/lua/acknowledge': 1,
  'queue/lua/release': 1,
  'queue/lua/bytes_reserve': 1,
  'queue/lua/bytes_shrink': 1,
  'queue/lua/bytes_set': 2,
  'queue/lua/bytes_expire': 1,
  'queue/lua/bytes_total': 1,
  'jobs/lua/create': 1,
  'jobs/lua/advance': 1,
  'jobs/lua/renew': 1,
  'jobs/lua/settle': 1,
  'jobs/lua/cancel': 1,
  'jobs/lua/redrive': 1,
  'jobs/lua/purge': 1,
  'payloads/lua/put': 1,
  'access/poll/lua/consume': 1,
  'loopback/lua/consume_token': 2,
  'callbacks/lua/callbacks_take': 1,
  'callbacks/lua/callbacks_put': 1,
  'callbacks/lua/callback_drop': 1,
} as const;

/** The scripts that need stored.lua. */
const COUNTS_BYTES = /(reserve|add_job|remove_job|bytes_.+)$/;

const read = (name: string): string => readFileSync(path.join(__dirname, '..', `${name}.lua`), 'utf8');

/** The table of jobs/transitions.ts as Lua. */
function transitionsTable(): string {
  const states = Object.entries(TRANSITIONS).map(([from, events]) => {
    const moves = Object.entries(events).map(([event, to]) => `['${event}'] = '${to}'`);
    return `['${from}'] = { ${moves.join(', ')} }`;
  });
  return `local TRANSITIONS = { ${states.join(', ')} }\n`;
}

/** A script's text with the transitions and the libraries in front; the `#!lua` line, where there is one, has to stay the first. */
function scriptText(name: string): string {
  const text = read(name);
  const lib =
    transitionsTable() + read('jobs/lua/record') + (COUNTS_BYTES.test(name) ? read('queue/lua/stored') : '');
  if (!text.startsWith('#!')) {
    return lib + text;
  }
  const end = text.indexOf('\n') + 1;
  return text.slice(0, end) + lib + text.slice(end);
}

/** `callbacks/lua/callbacks_take` is `arrCallbacksTake`. */
const methodOf = (name: string): string =>
  `arr_${path.basename(name)}`.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());

let texts: ReadonlyMap<string, { lua: string; numberOfKeys: number }> | undefined;

export function defineScripts(client: Redis | Cluster): ScriptedRedis {
  texts ??= new Map(
    Object.entries(SCRIPTS).map(([name, numberOfKeys]) => [name, { lua: scriptText(name), numberOfKeys }]),
  );
  for (const [name, script] of texts) {
    client.defineCommand(methodOf(name), script);
  }
  // defineCommand adds the methods at run time; the type says which. A Cluster has the commands of a Redis.
  return client as unknown as ScriptedRedis;
}
