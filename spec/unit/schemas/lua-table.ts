/**
 * Reads the table that a generated schema.lua returns. It knows the Lua that the generator writes, which is literals and
 * table constructors; anything else in the place of a value (a function's name, a call) comes back as LuaCode.
 */

export class LuaCode {
  constructor(readonly text: string) {}
}

export type LuaValue = string | number | boolean | LuaCode | LuaValue[] | { [name: string]: LuaValue };

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?)|([A-Za-z_]\w*)|([{}()[\]=,]))/y;

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`not a Lua token at: ${text.slice(at, at + 40)}`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

class Reader {
  #at = 0;
  readonly #tokens: readonly string[];

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  get #next(): string {
    return this.#tokens[this.#at] ?? '';
  }

  #take(expected?: string): string {
    const token = this.#next;
    if (expected !== undefined && token !== expected) throw new Error(`expected ${expected}, found ${token}`);
    this.#at += 1;
    return token;
  }

  readValue(): LuaValue {
    if (this.#next === '{') return this.#readTable();
    const token = this.#take();
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (/^-?\d/.test(token)) return Number(token);
    if (token === 'true' || token === 'false') return token === 'true';
    return this.#readCode(token);
  }

  #readCode(name: string): LuaCode {
    if (this.#next !== '(') return new LuaCode(name);
    let text = name;
    for (let depth = 0; depth > 0 || text === name;) {
      const token = this.#take();
      depth += token === '(' ? 1 : token === ')' ? -1 : 0;
      text += token;
    }
    return new LuaCode(text);
  }

  #readTable(): LuaValue {
    const list: LuaValue[] = [];
    const record: Record<string, LuaValue> = {};
    this.#take('{');
    while (this.#next !== '}') {
      if (this.#tokens[this.#at + 1] === '=') {
        const name = this.#take();
        this.#take('=');
        record[name] = this.readValue();
      } else {
        list.push(this.readValue());
      }
      if (this.#next !== '}') this.#take(',');
    }
    this.#take('}');
    if (list.length > 0 && Object.keys(record).length > 0) {
      throw new Error('a table is either a list or a record');
    }
    return Object.keys(record).length > 0 ? record : list;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }
}

/** The value after the last `return` that begins a line. */
export function readLuaTable(source: string): LuaValue {
  const start = source.lastIndexOf('\nreturn ');
  const reader = new Reader(tokenize(source.slice(start + '\nreturn '.length)));
  const value = reader.readValue();
  if (!reader.isAtEnd) throw new Error('there is more after the table');
  return value;
}
