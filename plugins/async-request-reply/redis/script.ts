// Lua scripts as typed functions. ioredis sends EVALSHA, and EVAL once if Redis does not know the script.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { RedisClient } from './redis-client';

export type ScriptArgument = string | number | Buffer;

/** Lua text that is put in front of scripts. It is read at its first use. */
export type LuaLibrary = () => string;

interface ScriptDefinition<Options, Raw, Reply> {
  /** Name of the file without `.lua`, unique among all scripts of the program. */
  readonly name: string;
  readonly directory: string;
  /** In this order in front of the script. */
  readonly libraries?: readonly LuaLibrary[];
  readonly numberOfKeys: number;
  /** KEYS, in the order of the script's header. */
  readonly keys: (options: Options) => readonly string[];
  /** ARGV, in the order of the script's header. */
  readonly argv: (options: Options) => readonly ScriptArgument[];
  /** @param raw what Redis returned: a string, a number, null, or an array of strings. */
  readonly reply: (raw: Raw, options: Options) => Reply;
}

/** Runs the script. The command is written to the connection before the call returns. */
type Script<Options, Reply> = (redis: RedisClient, options: Options) => Promise<Reply>;

/**
 * Defines a script. The file is read when the script is first run, and the command is registered once on each client.
 *
 * The `#!lua` line of a script, if there is one, stays the first line.
 */
export function defineScript<Options, Raw, Reply>(
  definition: ScriptDefinition<Options, Raw, Reply>,
): Script<Options, Reply> {
  const { name, numberOfKeys } = definition;
  const command = `arr_${name}`;
  const text = once(() => scriptText(definition));
  const registered = new WeakSet<RedisClient>();
  return (redis, options) => {
    if (!registered.has(redis)) {
      redis.defineCommand(command, { lua: text(), numberOfKeys });
      registered.add(redis);
    }
    // defineCommand has added the method at run time.
    const run = (redis as unknown as Readonly<Record<string, Runner<Raw>>>)[command] as Runner<Raw>;
    return run
      .apply(redis, [...definition.keys(options), ...definition.argv(options)])
      .then((raw) => definition.reply(raw, options));
  };
}

type Runner<Raw> = (...keysAndArgv: ScriptArgument[]) => Promise<Raw>;

/** A library that stands in a file of its own, a Lua file of that name in the directory. */
export function luaLibrary(directory: string, name: string): LuaLibrary {
  return once(() => readLua(directory, name));
}

/** The clock of Redis: `now_ms()`. */
export const CLOCK = luaLibrary(path.join(__dirname, 'lua'), 'clock');

/** For scripts whose reply says nothing. */
export const noReply = (): void => undefined;

/** Fields and values, in turn, from the given index on. */
export function readFields(reply: readonly string[], start: number): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let index = start; index + 1 < reply.length; index += 2) {
    fields[String(reply[index])] = String(reply[index + 1]);
  }
  return fields;
}

const readLua = (directory: string, name: string): string =>
  readFileSync(path.join(directory, `${name}.lua`), 'utf8');

function scriptText({
  name,
  directory,
  libraries = [],
}: Pick<ScriptDefinition<never, never, never>, 'name' | 'directory' | 'libraries'>): string {
  const text = readLua(directory, name);
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
  return text.slice(0, start) + libraries.map((library) => library()).join('') + text.slice(start);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
