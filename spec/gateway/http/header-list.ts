/**
 * Header fields in their order, names compared without case, values as strings of bytes (Latin-1). Fields of one name
 * stay apart.
 */
export class HeaderList {
  #fields: [name: string, value: string][] = [];

  /** From Node's flat list of names and values. */
  static fromRaw(raw: string[]): HeaderList {
    const list = new HeaderList();
    for (let i = 0; i + 1 < raw.length; i += 2) list.add(raw[i] as string, raw[i + 1] as string);
    return list;
  }

  get size(): number {
    return this.#fields.length;
  }

  first(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.#fields.find(([field]) => field.toLowerCase() === wanted)?.[1] ?? null;
  }

  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value);
  }

  add(name: string, value: string): void {
    this.#fields.push([name, value]);
  }

  /** Puts the values where the first field of the name stands, or at the end. */
  set(name: string, values: string | string[]): void {
    const wanted = name.toLowerCase();
    const at = this.#fields.findIndex(([field]) => field.toLowerCase() === wanted);
    this.clear(name);
    const fields = (Array.isArray(values) ? values : [values]).map((value): [string, string] => [
      name,
      value,
    ]);
    this.#fields.splice(at < 0 ? this.#fields.length : at, 0, ...fields);
  }

  clear(name: string): void {
    const wanted = name.toLowerCase();
    this.#fields = this.#fields.filter(([field]) => field.toLowerCase() !== wanted);
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#fields[Symbol.iterator]();
  }

  toRaw(): string[] {
    return this.#fields.flat();
  }

  /** Lower-case names, one value or an array of them, at most `max` fields: `ngx.req.get_headers`. */
  toLua(max: number): Record<string, string | string[]> {
    const table = Object.create(null) as Record<string, string | string[]>;
    for (const [name, value] of this.#fields.slice(0, max === 0 ? undefined : max)) {
      const key = name.toLowerCase();
      const there = table[key];
      table[key] = there === undefined ? value : [...(Array.isArray(there) ? there : [there]), value];
    }
    return table;
  }
}
