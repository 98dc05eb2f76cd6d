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
  ...{ reserve: 5, room: 1, enter: 4, free: 2, leave: 4, breaker: 1, hold: 2, lift: 2 },
  ...{ put: 1, create: 1, advance: 1, renew: 1, settle: 1, cancel: 1, redrive: 1, purge: 1 },
  ...{ consume: 1, standing: 3, spend: 2 },
  ...{ claim: 1, vouch: 1, release: 1 },
  ...{ callbacks_take: 1, callbacks_put: 1, callback_drop: 1 },
  ...{ bytes_hold: 1, bytes_keep: 1, bytes_weigh: 2, bytes_lapse: 1, bytes_total: 1 },
} as const;

/** The scripts that need stored.lua. */
const COUNTS_BYTES = /^(reserve|enter|leave|bytes_.+)$/;

const read = (name: string): string => readFileSync(path.join(__dirname, 'lua', `${name}.lua`), 'utf8');

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
  const lib = transitionsTable() + read('lib') + (COUNTS_BYTES.test(name) ? read('lib_stored') : '');
  if (!text.startsWith('#!')) {
    return lib + text;
  }
  const end = text.indexOf('\n') + 1;
  return text.slice(0, end) + lib + text.slice(end);
}

/** `callbacks_take` is `arrCallbacksTake`. */
const methodOf = (name: string): string =>
  `arr_${name}`.replace(/_(.)/g, (_all, letter: string) => letter.toUpperCase());

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
